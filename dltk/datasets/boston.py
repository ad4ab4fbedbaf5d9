"""Boston housing: median values of homes in 506 places from thirteen measurements (Harrison & Rubinfeld 1978).

One of the measurements, B, encodes race. You place the file yourself: a housing.csv with a header, or Keras'
boston_housing.npz.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from dltk.config.errors import DataError, listed
from dltk.config.sections import PathText
from dltk.data import files
from dltk.data.file_places import file_place, unfit_file
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Column, Numbers, Spec, Table
from dltk.data.tables.csv_files import read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.frames import cells_of, names_of_rows, only
from dltk.data.tables.keras_split import keras_split
from dltk.data.tables.npz_files import read_arrays
from dltk.data.tables.options import TableOptions
from dltk.data.tables.preparation import TABLE, TablePreparation, text_table
from dltk.data.tables.targets import fit_target

_FILES = (
    *("boston-housing/housing.csv", "boston_housing/housing.csv", "housing.csv"),
    *("boston-housing/boston_housing.npz", "boston_housing/boston_housing.npz", "boston_housing.npz"),
)
_COLUMNS = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
_TARGET = "MEDV"
_NUM_HOUSES = 506
_MAX_BYTES = 1 << 20
_NOTICE = (
    "column B is computed from the share of Black residents of a town, 1000 (share - 0.63)^2: it encodes race and "
    "assumes that segregation sets prices. scikit-learn removed these data in 1.2 for that. Compare with textbooks, "
    "and build nothing on it; drop: [B] leaves the column out, diabetes is another table of numbers"
)


class Config(TableOptions):
    """Options of the data."""

    root: PathText | None = None
    """Folder that holds the file, or boston-housing/ with it; default $DLTK_DATA, then the cache."""
    split: Literal["keras", "random"] = "keras"
    """keras: the test split that Keras makes, the last fifth in the order of numpy's RandomState(113); random: as
    test_fraction says."""


def describe(config: Config) -> Spec:
    """Return thirteen columns and one number, the median value in 1000 dollars."""
    config.check(_COLUMNS, {})
    _file(config)
    return Spec({TABLE: Table(tuple(Column(name) for name in _inputs(config)))}, {_TARGET: Numbers((_TARGET,))})


def read(config: Config) -> Source:
    """Return the houses; in Keras' split also the test part."""
    rows, notes = _rows(config), [_NOTICE]
    if len(rows) != _NUM_HOUSES:
        notes.append(f"not the {_NUM_HOUSES} rows of the original: {len(rows)}")
    if config.split == "random":
        return Source({"train": rows}, notes)
    train, test = keras_split(len(rows))
    return Source({"train": rows.take(train), "test": rows.take(test)}, notes)


def prepare(config: Config, train: Columns) -> TablePreparation:
    """Fit the columns and the target."""
    return TablePreparation.fit(train, fit_target("numbers", train.targets, train), config)


def restore(config: Config, state: State) -> TablePreparation:  # noqa: ARG001
    """Rebuild a preparation."""
    return TablePreparation.restore(state)


def _inputs(config: Config) -> list[str]:
    return [name for name in _COLUMNS if name not in config.drop]


def _file(config: Config) -> Path:
    found = files.find(_FILES, config.root)
    if found is None:
        raise files.missing("the Boston housing table", _FILES, config.root)
    return found


def _rows(config: Config) -> Columns:
    path = _file(config)
    frame = _from_npz(path) if path.suffix == ".npz" else read_csv(str(path), CsvFormat()).frame
    lacking = [name for name in (*_COLUMNS, _TARGET) if name not in frame.columns]
    if lacking:
        raise DataError(
            "the table lacks columns",
            where=str(path),
            found=f"columns {listed(map(str, frame.columns))}",
            expected=listed(lacking),
        )
    inputs, target = only(frame, _inputs(config)), cells_of(frame, _TARGET)
    return Columns({TABLE: inputs}, {_TARGET: target}, names_of_rows(frame))


def _from_npz(path: Path) -> pd.DataFrame:
    arrays = read_arrays(path, ("x", "y"), _MAX_BYTES)
    inputs, target = arrays["x"], arrays["y"]
    if inputs.shape != (len(target), len(_COLUMNS)) or target.ndim != 1:
        raise unfit_file(
            file_place(path, "x, y"),
            "the arrays do not have the shapes of this table",
            found=f"x {list(inputs.shape)}, y {list(target.shape)}",
            allowed=f"x [N, {len(_COLUMNS)}], y [N]",
        )
    columns = dict(zip(_COLUMNS, inputs.T.tolist(), strict=True))
    frame: pd.DataFrame = text_table({**columns, _TARGET: target.tolist()}, {}).inputs[TABLE]
    return frame
