"""Your own table: a CSV file with one row per sample, columns of numbers or categories, and a target column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from dltk.config.errors import DataError, OptionError, listed, shown
from dltk.config.sections import PathText
from dltk.data.files import not_there
from dltk.data.places import CellPlaces
from dltk.data.proposals import Proposal
from dltk.data.samples import Columns, Source, State, taken
from dltk.data.specs import Classes, Column, Numbers, Spec, Table
from dltk.data.tables.csv_files import CsvTable, read_csv
from dltk.data.tables.csv_format import DEFAULT_MISSING, CsvFormat
from dltk.data.tables.frames import Frame, cells_of, names_of_rows, only
from dltk.data.tables.headers import Place, name_of
from dltk.data.tables.notes import column_notes
from dltk.data.tables.numbers import Cells, absent
from dltk.data.tables.options import TableOptions, no_such_column
from dltk.data.tables.preparation import TABLE, TablePreparation
from dltk.data.tables.proposing import proposed_table
from dltk.data.tables.rereading import look_at, read_once
from dltk.data.tables.spelling import Decimal, Thousands
from dltk.data.tables.targets import TargetKind, decide_kind, fit_target
from dltk.data.texts.files import Encoding, for_other_files


class Config(TableOptions):
    """Options of the table."""

    path: PathText
    """The CSV file; .gz is unpacked while reading."""
    target: Annotated[
        Place | Annotated[tuple[Place, ...], Field(min_length=1)],
        Field(json_schema_extra={"x-synonyms": ["label", "labels", "y"]}),
    ]
    """The column to predict, or a list of columns; without a header, its number does, too."""
    target_kind: Literal["auto"] | TargetKind = "auto"
    """What the target is; auto: classes if it is text, or at most 20 whole numbers that all occur twice; else numbers.
    Several columns are numbers, or with labels each one 0 or 1."""
    target_strip: str = ""
    """Characters cut off both ends of target cells, such as the full stop that ends the labels of adult.test."""
    id: Place | None = None
    """The column that names rows in answers, such as a passenger's number; it is no input."""
    val_path: PathText | None = None
    """An official validation file with the same columns."""
    test_path: PathText | None = None
    """An official test file with the same columns."""
    separator: Literal[",", ";", "\t", "|", ":", " "] | None = None
    """Between cells; default whichever of comma, semicolon, tab and bar fits the first rows."""
    decimal: Decimal = "."
    """What stands between whole and part in a number."""
    thousands: Thousands | None = None
    """What stands between groups of three digits, such as the comma in 1,000; default nothing."""
    header: bool = True
    """Whether the first row names the columns."""
    column_names: tuple[str, ...] = ()
    """Names of the columns where there is no header; default c0, c1, ..."""
    encoding: Encoding = "utf-8"
    """How the text is encoded, such as cp949 or latin-1; of a list, the first that fits."""
    missing: tuple[str, ...] = DEFAULT_MISSING
    """Cells that mean "no value", beside empty ones; numbers are filled in with the training rows' median."""

    @model_validator(mode="after")
    def _fits_one_kind_of_file(self) -> Self:
        repeated = sorted(name for name, count in Counter(self.column_names).items() if count > 1)
        if self.column_names and self.header:
            raise OptionError(
                "column_names",
                "are for a file without a header; set header: false, or leave them out",
                id="DLTK-CONFIG-CONFLICT",
            )
        if repeated:
            raise OptionError("column_names", f"must be different; {listed(repeated)} occurs more than once")
        if self.decimal == self.separator:
            raise OptionError(
                "decimal", "is the separator, too; choose another separator, or leave it out", id="DLTK-CONFIG-CONFLICT"
            )
        if self.decimal == self.thousands:
            raise OptionError(
                "thousands",
                "is the decimal mark, too",
                found=f"{shown(self.thousands)} for both",
                id="DLTK-CONFIG-CONFLICT",
            )
        return self


@dataclass(frozen=True)
class _Part:
    """A file's rows that have a target; `others` are the columns that are left out, to group splits by."""

    inputs: Frame
    targets: Mapping[str, Cells]
    names: Sequence[str]
    notes: tuple[str, ...]
    others: Mapping[str, Cells]
    places: CellPlaces


def describe(config: Config) -> Spec:
    """Return the columns by name, and the target's kind, decided on the whole file.

    Raises:
        OptionError: A column named in the options is not there.
    """
    for path in (config.val_path, config.test_path):
        if path is not None and not Path(path).is_file():
            raise not_there(Path(path))
    part = _train_part(config, look_at)
    target = fit_target(decide_kind(config.target_kind, part.targets), part.targets, part)
    spec = target.spec if isinstance(target.spec, Classes) else Numbers(target.spec.names)  # means are fitted on train
    return Spec({TABLE: Table(tuple(Column(name) for name in part.inputs.columns))}, {target.name: spec})


def read(config: Config) -> Source:
    """Return all rows that have a target; `val_path` and `test_path` are the official parts."""
    train = _train_part(config, read_once)
    kind = decide_kind(config.target_kind, train.targets)
    stratify = next(iter(train.targets)) if kind == "classes" else None
    notes = [*train.notes, f"the target is {kind}: {', '.join(train.targets)}", *column_notes(config, train.inputs)]
    parts = {"train": train}
    for name, path in (("val", config.val_path), ("test", config.test_path)):
        if path is not None:
            parts[name] = _official_part(config, path, list(train.inputs.columns))
            notes += parts[name].notes
    samples = {
        name: Columns({TABLE: part.inputs}, part.targets, part.names, stratify, part.others, part.notes, part.places)
        for name, part in parts.items()
    }
    return Source(samples, tuple(notes))


def propose(path: Path, target: str) -> Proposal | None:
    """Return a config that predicts one column from the others."""
    return proposed_table(path, target)


def read_without_target(config: Config) -> Source:
    """Return every column of all rows, for a look at a table before its target is chosen; `target` does not count."""
    table = read_csv(config.path, _written(config))
    config.check([str(name) for name in table.frame.columns], {})
    frame = only(table.frame, [name for name in table.frame.columns if name not in config.drop])
    rows = Columns({TABLE: frame}, {}, names_of_rows(frame))
    return Source({"all": rows}, (*table.notes, *column_notes(config, frame)))


def prepare(config: Config, train: Columns) -> TablePreparation:
    """Type and fit the columns and the target on the training rows."""
    wanted = "classes" if train.stratify is not None else config.target_kind
    target = fit_target("numbers" if wanted == "auto" else wanted, train.targets, train)
    return TablePreparation.fit(train, target, config, _written_by_users(config))


def restore(config: Config, state: State) -> TablePreparation:
    """Rebuild a preparation."""
    return TablePreparation.restore(state, _written_by_users(config))


def _written(config: Config) -> CsvFormat:
    return CsvFormat(
        separator=config.separator,
        header=config.header,
        column_names=config.column_names,
        decimal=config.decimal,
        thousands=config.thousands,
        encoding=config.encoding,
        missing=config.missing,
        id=_id(config),
        stripped=tuple((name, config.target_strip) for name in _targets(config) if config.target_strip),
    )


def _written_by_users(config: Config) -> CsvFormat:
    """Return how files to predict are written: as the training file or in UTF-8, and the target may be lacking."""
    return replace(_written(config), optional=_targets(config), encoding=for_other_files(config.encoding))


def _targets(config: Config) -> tuple[str, ...]:
    if isinstance(config.target, tuple):
        return tuple(name_of(place, f"target.{i}", _unnamed(config)) for i, place in enumerate(config.target))
    return (name_of(config.target, "target", _unnamed(config)),)


def _id(config: Config) -> str | None:
    return None if config.id is None else name_of(config.id, "id", _unnamed(config))


def _unnamed(config: Config) -> tuple[str, ...] | None:
    return None if config.header else config.column_names


def _train_part(config: Config, reading: Callable[[str, CsvFormat], CsvTable]) -> _Part:
    table = reading(config.path, _written(config))
    columns = [str(name) for name in table.frame.columns]
    _check_columns(config, columns)
    left_out = {*_targets(config), *config.drop, _id(config)}
    inputs = [name for name in columns if name not in left_out]
    return _with_targets(config, table, inputs, Path(config.path).name, "")


def _official_part(config: Config, path: str, inputs: list[str]) -> _Part:
    table = read_csv(path, _written(config))
    lacking = [name for name in [*inputs, *_targets(config)] if name not in table.frame.columns]
    if lacking:
        raise DataError(
            f"{Path(path).name} lacks columns of the training file",
            where=path,
            found=f"columns {listed(map(str, table.frame.columns))}",
            expected=listed(lacking),
        )
    name = Path(path).name
    return _with_targets(config, table, inputs, name, f"{name} ")


def _with_targets(config: Config, table: CsvTable, inputs: list[str], file: str, prefix: str) -> _Part:
    frame, notes, targets = table.frame, table.notes, list(_targets(config))
    known = np.logical_and.reduce([~absent(cells_of(frame, name)) for name in targets])
    missing = int((~known).sum())
    if missing == len(frame):
        raise DataError(f"no row has a value in every target column ({', '.join(targets)})", where=file)
    names, places = names_of_rows(frame, prefix), table.places
    if missing:
        notes = (*notes, f"{file}: {missing} of {len(frame)} rows have no target and are left out")
        chosen = torch.from_numpy(np.flatnonzero(known))
        frame, names, places = taken(frame, chosen), taken(names, chosen), places.take(chosen)
    return _Part(
        only(frame, inputs),
        {name: cells_of(frame, name) for name in targets},
        names,
        notes,
        {name: cells_of(frame, name) for name in frame.columns if name not in {*inputs, *targets}},
        places,
    )


def _check_columns(config: Config, columns: list[str]) -> None:
    """Refuse names that are no column of the table, or are used twice."""
    targets, row_id = _targets(config), _id(config)
    single = not isinstance(config.target, tuple)
    named = [("target" if single else f"target.{i}", name) for i, name in enumerate(targets)]
    named += [("id", row_id)] if row_id is not None else []
    for option, name in named:
        if name not in columns:
            raise no_such_column(option, name, columns)
    if len(set(targets)) < len(targets):
        raise OptionError("target", "must name different columns", found=", ".join(targets))
    if row_id in targets:
        raise OptionError("id", "must be another column than the target", found=f"{row_id} for both")
    config.check(columns, {**({row_id: "the id"} if row_id else {}), **dict.fromkeys(targets, "the target")})
