"""Tables of text, in memory or in a file, and what is done with either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd
from torch import Tensor

from dltk.config.problems import Position
from dltk.data.packed.cells import PackedCells, PackedTable, RowNames
from dltk.data.packed.packing import Cell
from dltk.data.places import Sheet

Frame: TypeAlias = "pd.DataFrame | PackedTable"
"""Columns of cells by name; None where a value is missing."""


@dataclass(frozen=True)
class DiskPlaces:
    """Where rows of a file stand; also which line each begins in is looked up there.

    Attributes:
        sheet: The file.
        lines: The number of the line in which each row begins, as text.
    """

    sheet: Sheet
    lines: PackedCells

    def take(self, indices: Tensor) -> DiskPlaces:
        """Return those of these rows only, in this order."""
        return DiskPlaces(self.sheet, self.lines.take(indices))

    def cell(self, row: int, column: str) -> Position:
        """Return where a cell stands."""
        return self.sheet.named(int(self.lines[row] or 1), column)


def cells_of(frame: Frame, name: str) -> Sequence[Cell]:
    """Return a column."""
    if isinstance(frame, PackedTable):
        return frame[name]
    cells: list[Cell] = frame[name].tolist()
    return cells


def only(frame: Frame, columns: Sequence[str]) -> Frame:
    """Return these columns only, in this order."""
    return frame.only(columns) if isinstance(frame, PackedTable) else frame[list(columns)]


def names_of_rows(frame: Frame, prefix: str = "", id_column: str | None = None) -> Sequence[str]:
    """Return what the user calls the rows of a table: their ids where there are some, else row 1, row 2, ..."""
    ids = None if id_column is None or id_column not in frame.columns else cells_of(frame, id_column)
    if isinstance(frame, PackedTable):
        assert ids is None or isinstance(ids, PackedCells)
        return RowNames(frame.chosen, prefix, ids)
    return row_names(len(frame), prefix, ids or ())


def row_names(count: int, prefix: str = "", ids: Sequence[str | None] = ()) -> list[str]:
    """Return what so many rows are called."""
    own = ids or [None] * count
    return [prefix + (name or f"row {i}") for i, name in enumerate(own, start=1)]


def parts_of(frame: Frame) -> Iterator[Mapping[str, Sequence[Cell]]]:
    """Yield the cells by column, those of a packed table some rows at a time."""
    if isinstance(frame, PackedTable):
        yield from frame.parts()
    else:
        yield {str(name): frame[name].tolist() for name in frame.columns}
