"""Tables ready to learn from: what is fitted on the training rows, and how rows of text become batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dltk.config.errors import DataError, OutOfResources, at_most_shown, count_of, did_you_mean, shown
from dltk.data.batches import InMemory, Loading, Stored
from dltk.data.disk.store import WantedRows, stored
from dltk.data.files import refuse_absent
from dltk.data.packed.cells import PackedTable, is_on_disk
from dltk.data.packed.packing import BLOCK_ROWS
from dltk.data.places import Places
from dltk.data.samples import Columns, State
from dltk.data.specs import Spec, Table
from dltk.data.tables.columns import TableColumn, fit_column, restore_column
from dltk.data.tables.csv_files import read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.frames import Frame, cells_of, names_of_rows, only, parts_of, row_names
from dltk.data.tables.numbers import wrong_cells
from dltk.data.tables.options import TableOptions
from dltk.data.tables.statuses import STATUSES
from dltk.data.tables.targets import TableTarget, restore_target
from dltk.data.texts.files import STANDARD_INPUT, place_of

TABLE = "table"
"""The name of the only input."""


@dataclass(frozen=True)
class TablePreparation:
    """Typed columns and a target, fitted on training rows only.

    Attributes:
        columns: In the order of the encoded inputs.
        target: What is predicted.
        written: How a user's own CSV files are read.
    """

    columns: tuple[TableColumn, ...]
    target: TableTarget
    written: CsvFormat = field(default_factory=CsvFormat)

    @classmethod
    def fit(
        cls, train: Columns, target: TableTarget, options: TableOptions, written: CsvFormat | None = None
    ) -> TablePreparation:
        """Type and fit every column on the training rows.

        Raises:
            DataError: A cell is an infinite number, or none that the options allow.
            OptionError: An option does not fit a column.
        """
        frame = train.inputs[TABLE]
        columns = tuple(fit_column(name, cells_of(frame, name), options, train) for name in frame.columns)
        return cls(columns, target, written or CsvFormat())

    @classmethod
    def restore(cls, state: State, written: CsvFormat | None = None) -> TablePreparation:
        """Rebuild from what `state` returned."""
        columns = tuple(restore_column(column) for column in state["columns"])
        return cls(columns, restore_target(state["target"]), written or CsvFormat())

    @property
    def spec(self) -> Spec:
        """Columns with their widths, and the target."""
        columns = tuple(column.spec for column in self.columns)
        return Spec({TABLE: Table(columns)}, {self.target.name: self.target.spec})

    def open(self, inputs: Sequence[str]) -> Columns:
        """Read CSV files ("-": standard input): columns are found by name, others are ignored, with a note.

        Raises:
            MissingInput: There is no such file.
            DataError: A file lacks columns, or is no proper CSV.
        """
        refuse_absent(inputs)
        opened = [self._opened(path, len(inputs)) for path in inputs]
        return opened[0] if len(opened) == 1 else _joined(opened)

    def statuses(self, samples: Columns) -> Sequence[str]:
        """Return per row the worst of ok, missing (filled in), unknown_category, invalid (no usable number)."""
        found: list[str] = []
        for cells in parts_of(samples.inputs[TABLE]):
            worst = np.max([column.severities(cells[column.name]) for column in self.columns], axis=0)
            found += [STATUSES[severity] for severity in worst]
        return found

    def reasons(self, samples: Columns) -> list[str]:
        """Return which cells of invalid rows are no usable numbers."""
        found: list[list[str]] = []
        for cells in parts_of(samples.inputs[TABLE]):
            first = len(found)
            found += [[] for _ in cells[self.columns[0].name]]
            for column in self.columns:
                own = cells[column.name]
                for row in np.flatnonzero(column.severities(own) == STATUSES.index("invalid")).tolist():
                    found[first + row].append(f"column {shown(column.name)}: {shown(own[row])} is no usable number")
        return [at_most_shown(cells) for cells in found]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        """Encode rows once, as float32 (N, size) and targets; more of a file than one block go to another file.

        Raises:
            DataError: Columns are lacking, a cell of a number column is no usable number, or a target was never seen in
                training.
            WriteError: The disk is full or failed.
        """
        table = samples.inputs[TABLE]
        self._refuse_lacking(table, "")
        if is_on_disk(table) and len(table) > BLOCK_ROWS:
            inputs: Stored = {TABLE: stored(self._wanted(table), lambda: self._encoded(samples))}
        else:
            inputs = {TABLE: torch.cat(list(self._encoded(samples)))}
        targets = {self.target.name: self.target.encode(samples.targets, samples)} if samples.targets else {}
        return InMemory(inputs, targets, loading)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted: numbers, text and lists."""
        return {"columns": [column.state() for column in self.columns], "target": self.target.state()}

    def _opened(self, path: str, num_files: int) -> Columns:
        table = read_csv(path, self.written)
        self._refuse_lacking(table.frame, path)
        prefix = "" if num_files == 1 else f"{'stdin' if path == STANDARD_INPUT else Path(path).name} "
        names = names_of_rows(table.frame, prefix, self.written.id)
        notes = [*table.notes, *self._ignored(table.frame, path)]
        frame = only(table.frame, [column.name for column in self.columns])
        return Columns({TABLE: frame}, {}, names, notes=notes, places=table.places)

    def _encoded(self, samples: Columns) -> Iterator[Tensor]:
        """Yield rows as they are stored, those of a file some at a time; once one is invalid, only look for others."""
        invalid: dict[str, list[tuple[int, str, str]]] = {column.name: [] for column in self.columns}
        first = 0
        for cells in parts_of(samples.inputs[TABLE]):
            encoded = [column.encode(cells[column.name]) for column in self.columns]
            for column, values in zip(self.columns, encoded, strict=True):
                own = cells[column.name]
                wrong = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
                invalid[column.name] += [(first + row, column.name, str(own[row])) for row in wrong]
            first += len(encoded[0])
            if not any(invalid.values()):
                yield torch.from_numpy(np.concatenate(encoded, axis=1))
        if any(invalid.values()):
            found = [cell for cells in invalid.values() for cell in cells]
            raise wrong_cells("is no usable number, though the column is one of numbers", found, samples)

    def _wanted(self, table: PackedTable) -> WantedRows:
        """Return the entry of encoded rows: it belongs to the cells, the rows among them, and what was fitted."""
        width = sum(column.spec.size for column in self.columns)
        fitted = [column.state() for column in self.columns]
        facts = {"what": "rows of a table", "cells": table.digest(), "fitted": fitted}
        return WantedRows(facts, torch.float32, (len(table), width), "encoded rows")

    def _ignored(self, frame: Frame, path: str) -> list[str]:
        """Say which columns the model knows nothing of; its target may stand in a table that it answers."""
        known = {*(column.name for column in self.columns), *self.target.columns, self.written.id}
        extra = [shown(str(name)) for name in frame.columns if name not in known]
        if not extra:
            return []
        what = count_of(len(extra), "column")
        return [f"{Path(place_of(path)).name}: {what} that the model does not use: {at_most_shown(extra)}"]

    def _refuse_lacking(self, frame: Frame, path: str) -> None:
        lacking = [column.name for column in self.columns if column.name not in frame.columns]
        if lacking:
            raise DataError(
                f"the table lacks {len(lacking)} of the {len(self.columns)} columns that the model was trained on",
                where=place_of(path) if path else "",
                found="columns " + at_most_shown([shown(str(name)) for name in frame.columns]),
                expected=at_most_shown([f"{shown(name)}{did_you_mean(name, frame.columns)}" for name in lacking]),
            )


def _joined(opened: Sequence[Columns]) -> Columns:
    """Return the rows of several files, which lie in memory."""
    frames = [samples.inputs[TABLE] for samples in opened]
    if any(map(is_on_disk, frames)):
        raise OutOfResources("tables of which one does not fit in memory are answered one by one", do="name one file")
    places = reduce(add, [samples.places for samples in opened if isinstance(samples.places, Places)])
    names = [name for samples in opened for name in samples.names]
    notes = [note for samples in opened for note in samples.notes]
    cells = {name: [cell for frame in frames for cell in cells_of(frame, name)] for name in frames[0].columns}
    return Columns({TABLE: pd.DataFrame(cells, dtype=object)}, {}, names, notes=notes, places=places)


def text_table(
    columns: Mapping[str, Sequence[Any]], targets: Mapping[str, Sequence[Any]], stratify: str | None = None
) -> Columns:
    """Return rows of text from columns of plain values; numbers keep all their digits."""
    names = row_names(len(next(iter(columns.values()))))
    frame = pd.DataFrame({name: list(map(str, column)) for name, column in columns.items()}, dtype=object)
    return Columns({TABLE: frame}, {name: list(map(str, column)) for name, column in targets.items()}, names, stratify)
