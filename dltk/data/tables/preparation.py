"""Tables ready to learn from: what is fitted on the training rows, and how rows of text become batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dltk.config.errors import DataError, at_most_shown, count_of, did_you_mean, shown
from dltk.data.batches import InMemory, Loading
from dltk.data.files import refuse_absent
from dltk.data.samples import Columns, State
from dltk.data.specs import Spec, Table
from dltk.data.tables.columns import TableColumn, fit_column, restore_column
from dltk.data.tables.csv_files import CsvFormat, read_csv
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
        columns = tuple(fit_column(name, frame[name].tolist(), options, train) for name in frame.columns)
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
        frames, names = [], []
        notes: list[str] = []
        places = None
        for path in inputs:
            table = read_csv(path, self.written)
            frame = table.frame
            self._refuse_lacking(frame, path)
            frames.append(frame[[column.name for column in self.columns]])
            prefix = "" if len(inputs) == 1 else f"{'stdin' if path == STANDARD_INPUT else Path(path).name} "
            ids = frame[self.written.id].tolist() if self.written.id in frame.columns else ()
            names += row_names(len(frame), prefix, ids)
            notes += [*table.notes, *self._ignored(frame, path)]
            places = table.places if places is None else places + table.places
        return Columns({TABLE: pd.concat(frames, ignore_index=True)}, {}, names, notes=notes, places=places)

    def statuses(self, samples: Columns) -> list[str]:
        """Return per row the worst of ok, missing (filled in), unknown_category, invalid (no usable number)."""
        severities = [column.severities(self._cells(samples, column)) for column in self.columns]
        return [STATUSES[worst] for worst in np.max(severities, axis=0)]

    def reasons(self, samples: Columns) -> list[str]:
        """Return which cells of invalid rows are no usable numbers."""
        found: list[list[str]] = [[] for _ in range(len(samples))]
        for column in self.columns:
            cells = self._cells(samples, column)
            for row in np.flatnonzero(column.severities(cells) == STATUSES.index("invalid")).tolist():
                found[row].append(f"column {shown(column.name)}: {shown(cells[row])} is no usable number")
        return [at_most_shown(cells) for cells in found]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        """Encode rows once, as float32 (N, size) and targets.

        Raises:
            DataError: Columns are lacking, a cell of a number column is no usable number, or a target was never seen in
                training.
        """
        self._refuse_lacking(samples.inputs[TABLE], "")
        encoded = [column.encode(self._cells(samples, column)) for column in self.columns]
        self._refuse_invalid(samples, encoded)
        inputs = {TABLE: torch.from_numpy(np.concatenate(encoded, axis=1))}
        targets = {self.target.name: self.target.encode(samples.targets, samples)} if samples.targets else {}
        return InMemory(inputs, targets, loading)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted: numbers, text and lists."""
        return {"columns": [column.state() for column in self.columns], "target": self.target.state()}

    def _cells(self, samples: Columns, column: TableColumn) -> list[str | None]:
        cells: list[str | None] = samples.inputs[TABLE][column.name].tolist()
        return cells

    def _ignored(self, frame: pd.DataFrame, path: str) -> list[str]:
        """Say which columns the model knows nothing of; its target may stand in a table that it answers."""
        known = {*(column.name for column in self.columns), *self.target.columns, self.written.id}
        extra = [shown(str(name)) for name in frame.columns if name not in known]
        if not extra:
            return []
        what = count_of(len(extra), "column")
        return [f"{Path(place_of(path)).name}: {what} that the model does not use: {at_most_shown(extra)}"]

    def _refuse_lacking(self, frame: pd.DataFrame, path: str) -> None:
        lacking = [column.name for column in self.columns if column.name not in frame.columns]
        if lacking:
            raise DataError(
                f"the table lacks {len(lacking)} of the {len(self.columns)} columns that the model was trained on",
                where=place_of(path) if path else "",
                found="columns " + at_most_shown([shown(str(name)) for name in frame.columns]),
                expected=at_most_shown([f"{shown(name)}{did_you_mean(name, frame.columns)}" for name in lacking]),
            )

    def _refuse_invalid(self, samples: Columns, encoded: Sequence[np.ndarray[Any, Any]]) -> None:
        invalid = []
        for column, values in zip(self.columns, encoded, strict=True):
            cells = self._cells(samples, column)
            wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
            invalid += [(row, column.name, str(cells[row])) for row in wrong.tolist()]
        if invalid:
            raise wrong_cells("is no usable number, though the column is one of numbers", invalid, samples)


def text_table(
    columns: Mapping[str, Sequence[Any]], targets: Mapping[str, Sequence[Any]], stratify: str | None = None
) -> Columns:
    """Return rows of text from columns of plain values; numbers keep all their digits."""
    names = row_names(len(next(iter(columns.values()))))
    frame = pd.DataFrame({name: list(map(str, column)) for name, column in columns.items()}, dtype=object)
    return Columns({TABLE: frame}, {name: list(map(str, column)) for name, column in targets.items()}, names, stratify)


def row_names(count: int, prefix: str = "", ids: Sequence[str | None] = ()) -> list[str]:
    """Return what the user calls the rows of a table: their ids where there are some, else row 1, row 2, ..."""
    own = ids or [None] * count
    return [prefix + (name or f"row {i}") for i, name in enumerate(own, start=1)]
