"""Your own table: a CSV file with one row per sample, columns of numbers or categories, and a target column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field

from dltk.config.errors import DataError, MissingInput, OptionError, did_you_mean, listed, shown
from dltk.config.sections import PathText
from dltk.config.settings import PositiveInt, Settings
from dltk.data.csv_files import DEFAULT_MISSING, CsvFormat, read_csv
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Column, Numbers, Spec, Table
from dltk.data.table_columns import Encoding, Scaling, is_number_column, number
from dltk.data.table_targets import TargetKind, decide_kind, fit_target
from dltk.data.tables import TABLE, TablePreparation, row_names

_ALMOST = 0.5
_MAX_LISTED = 12


class Config(Settings):
    """Options of the table."""

    path: PathText
    """The CSV file; .gz is unpacked while reading."""
    target: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """The column to predict, or a list of columns."""
    target_kind: Literal["auto"] | TargetKind = "auto"
    """What the target is; auto: classes if it is text, or at most 20 whole numbers that all occur twice; else numbers.
    Several columns are numbers, or with labels each one 0 or 1."""
    drop: tuple[str, ...] = ()
    """Columns to leave out, such as row numbers or what repeats the target."""
    categories: tuple[str, ...] = ()
    """Columns that are categories although they hold numbers, such as codes."""
    max_categories: PositiveInt = 100
    """A column keeps that many of its most frequent categories; rarer ones count as one."""
    test_path: PathText | None = None
    """An official test file with the same columns."""
    separator: Literal[",", ";", "\t", "|", ":", " "] | None = None
    """Between cells; default whichever of comma, semicolon, tab and bar fits the first rows."""
    header: bool = True
    """Whether the first row names the columns; without, they are c0, c1, ..."""
    encoding: str = "utf-8"
    """How the text is encoded, such as cp949 or latin-1."""
    missing: tuple[str, ...] = DEFAULT_MISSING
    """Cells that mean "no value", beside empty ones; numbers are filled in with the training rows' median."""
    scaling: Scaling = "standard"
    """How numbers are scaled, by the training rows: mean 0 and deviation 1 (standard), 0..1 (minmax), or none."""


@dataclass(frozen=True)
class _Part:
    """A file's rows that have a target."""

    inputs: pd.DataFrame
    targets: Mapping[str, list[str]]
    names: list[str]
    notes: tuple[str, ...]


def describe(config: Config) -> Spec:
    """Return the columns by name, and the target's kind, decided on the whole file.

    Raises:
        OptionError: A column named in the options is not there.
    """
    if config.test_path is not None and not Path(config.test_path).is_file():
        raise MissingInput("there is no such test file", where=str(Path(config.test_path).absolute()))
    part = _train_part(config)
    target = fit_target(decide_kind(config.target_kind, part.targets), part.targets, part.names)
    spec = target.spec if isinstance(target.spec, Classes) else Numbers(target.spec.names)  # means are fitted on train
    return Spec({TABLE: Table(tuple(Column(name) for name in part.inputs.columns))}, {target.name: spec})


def read(config: Config) -> Source:
    """Return all rows that have a target; with `test_path` also its rows, as the test part."""
    train = _train_part(config)
    kind = decide_kind(config.target_kind, train.targets)
    stratify = next(iter(train.targets)) if kind == "classes" else None
    notes = [*train.notes, f"the target is {kind}: {', '.join(train.targets)}", *_column_notes(config, train.inputs)]
    parts = {"train": train}
    if config.test_path is not None:
        parts["test"] = _test_part(config, config.test_path, list(train.inputs.columns))
        notes += parts["test"].notes
    samples = {name: Columns({TABLE: part.inputs}, part.targets, part.names, stratify) for name, part in parts.items()}
    return Source(samples, tuple(notes))


def prepare(config: Config, train: Columns) -> TablePreparation:
    """Type and fit the columns and the target on the training rows."""
    wanted = "classes" if train.stratify is not None else config.target_kind
    target = fit_target("numbers" if wanted == "auto" else wanted, train.targets, train.names)
    encoding = Encoding(config.scaling, config.max_categories, config.categories)
    return TablePreparation.fit(train, target, encoding, _written(config))


def restore(config: Config, state: State) -> TablePreparation:
    """Rebuild a preparation."""
    return TablePreparation.restore(state, _written(config))


def _written(config: Config) -> CsvFormat:
    return CsvFormat(config.separator, config.header, config.encoding, config.missing)


def _targets(config: Config) -> tuple[str, ...]:
    return (config.target,) if isinstance(config.target, str) else config.target


def _train_part(config: Config) -> _Part:
    table = read_csv(config.path, _written(config))
    columns = [str(name) for name in table.frame.columns]
    _check_columns(config, columns)
    left_out = {*_targets(config), *config.drop}
    inputs = [name for name in columns if name not in left_out]
    if not inputs:
        raise OptionError("drop", f"leaves no column to learn from; the table has {listed(columns)}")
    return _with_targets(config, table.frame, inputs, Path(config.path).name, "", table.notes)


def _test_part(config: Config, path: str, inputs: list[str]) -> _Part:
    table = read_csv(path, _written(config))
    lacking = [name for name in [*inputs, *_targets(config)] if name not in table.frame.columns]
    if lacking:
        raise DataError(
            "the test file lacks columns of the training file",
            where=path,
            found=f"columns {listed(map(str, table.frame.columns))}",
            expected=listed(lacking),
        )
    name = Path(path).name
    return _with_targets(config, table.frame, inputs, name, f"{name} ", table.notes)


def _with_targets(
    config: Config, frame: pd.DataFrame, inputs: list[str], file: str, prefix: str, notes: tuple[str, ...]
) -> _Part:
    targets = list(_targets(config))
    known = frame[targets].notna().all(axis=1)
    missing = int((~known).sum())
    if missing == len(frame):
        raise DataError(f"no row has a value in every target column ({', '.join(targets)})", where=file)
    if missing:
        notes = (*notes, f"{file}: {missing} of {len(frame)} rows have no target and are left out")
    names = [name for name, keep in zip(row_names(len(frame), prefix), known, strict=True) if keep]
    rows = frame[known].reset_index(drop=True)
    return _Part(rows[inputs], {name: rows[name].tolist() for name in targets}, names, notes)


def _check_columns(config: Config, columns: list[str]) -> None:
    """Refuse names that are no column of the table, or are used twice."""
    targets = _targets(config)
    single = isinstance(config.target, str)
    named = [("target" if single else f"target.{i}", name) for i, name in enumerate(targets)]
    for option in ("drop", "categories"):
        named += [(f"{option}.{i}", name) for i, name in enumerate(getattr(config, option))]
    for option, name in named:
        if name not in columns:
            hint = did_you_mean(name, columns)
            raise OptionError(option, f"there is no column {shown(name)}{hint}; the table has {listed(columns)}")
        if option.startswith(("drop", "categories")) and name in targets:
            raise OptionError(option, f"{shown(name)} is the target, so it is no input anyway; leave it out here")
    if len(set(targets)) < len(targets):
        raise OptionError("target", f"must name different columns; received {', '.join(targets)}")


def _column_notes(config: Config, inputs: pd.DataFrame) -> list[str]:
    """Say what the columns look like in the whole file; what counts in the end are the training rows."""
    kinds: dict[str, list[str]] = {"numbers": [], "categories": []}
    notes = []
    for name in map(str, inputs.columns):
        cells = inputs[name].tolist()
        if name not in config.categories and is_number_column(cells):
            kinds["numbers"].append(name)
            notes += [f"column {name} is empty; drop it"] if not any(cells) else []
            continue
        kinds["categories"].append(name)
        notes += _category_notes(config, name, [cell for cell in cells if cell is not None])
    for kind, names in kinds.items():
        more = f", ... ({len(names)} columns)" if len(names) > _MAX_LISTED else ""
        notes += [f"{kind}: {', '.join(names[:_MAX_LISTED])}{more}"] if names else []
    return notes


def _category_notes(config: Config, name: str, cells: list[str]) -> list[str]:
    notes = []
    different = len(set(cells))
    texts = [i for i, cell in enumerate(cells) if number(cell) != number(cell)]
    if name not in config.categories and len(texts) < _ALMOST * len(cells):
        notes.append(
            f"column {name} has {len(texts)} cells that are no number (such as {shown(cells[texts[0]])}) "
            f"among {len(cells)}, so it is read as categories; name them in missing: if they mean no value"
        )
    if different > config.max_categories:
        notes.append(
            f"column {name} has {different} different values; all but the {config.max_categories} most frequent "
            "count as one (max_categories); drop it if it names rows"
        )
    elif different > max(_MAX_LISTED, len(cells) / 2):
        notes.append(
            f"column {name} is read as categories, and nearly every row has its own (such as {shown(cells[0])}); "
            "write numbers with a decimal point, and drop dates and names"
        )
    return notes
