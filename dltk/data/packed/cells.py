"""Columns of packed cells, in memory or in a file: read block by block, where only some rows are wanted, too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, repeat
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from dltk.data.disk.rows import DiskRows, RowFile
from dltk.data.packed.chosen import Chosen
from dltk.data.packed.hashing import hashes_of, joined
from dltk.data.packed.packing import BLOCK_ROWS, Cell, HeldBytes, Packed, narrowed, unpacked


class PackedColumns:
    """Columns of text, packed, in a file or in memory.

    Args:
        file: Their bytes.
        facts: What `CellWriter.facts` returned.
        digest: Stands for all bytes.
    """

    def __init__(self, file: RowFile | HeldBytes, facts: Mapping[str, Any], digest: str) -> None:
        self._file, self.digest = file, digest
        self.is_on_disk = isinstance(file, RowFile)
        self.columns: tuple[str, ...] = tuple(facts["columns"])
        self.starts = torch.tensor(facts["starts"], dtype=torch.int64)
        self._ends = [0, *facts["ends"]]
        self._places = {name: place for place, name in enumerate(self.columns)}

    def block(self, column: str, number: int) -> bytes:
        """Return the packed cells of a column in one block of rows."""
        return self._file.between(*self._bounds(column, number)).numpy().tobytes()

    def num_bytes(self, column: str, number: int, num_rows: int) -> int:
        """Return about what some cells of a column take in one block of rows."""
        begin, end = self._bounds(column, number)
        first, last = self.starts[number : number + 2].tolist()
        return int((end - begin) * num_rows // (last - first))

    def _bounds(self, column: str, number: int) -> tuple[int, int]:
        place = number * len(self.columns) + self._places[column]
        return self._ends[place], self._ends[place + 1]


@dataclass(frozen=True, eq=False)
class PackedCells(Sequence[Cell]):
    """A column of text for some of all rows.

    Attributes:
        file: It lies there.
        column: Its name there.
        chosen: Which rows.
        empty: What an empty cell is read as.
    """

    file: PackedColumns
    column: str
    chosen: Chosen
    empty: Cell = None

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[Cell]:
        for cells in self.blocks():
            yield from cells

    @overload
    def __getitem__(self, place: int) -> Cell: ...

    @overload
    def __getitem__(self, place: slice) -> list[Cell]: ...

    def __getitem__(self, place: int | slice) -> Cell | list[Cell]:
        """Return a cell, or some in a list."""
        if isinstance(place, slice):
            return list(self.take(torch.arange(len(self))[place]))
        block, within = self.chosen.place(int(self.chosen.rows[place]))
        return self._one_block(block)[within] or self.empty

    @property
    def num_bytes(self) -> int:
        """About what these cells take."""
        return sum(self.file.num_bytes(self.column, number, num_rows) for number, num_rows in self.chosen.met)

    def digest(self) -> str:
        """Return what stands for all cells: another column or other rows have another."""
        return PackedTable(self.file, (self.column,), self.chosen).digest()

    def take(self, indices: Tensor) -> PackedCells:
        """Return the cells of these rows only, in this order; nothing is read."""
        return PackedCells(self.file, self.column, self.chosen.take(indices), self.empty)

    def blocks(self) -> Iterator[list[Cell]]:
        """Yield all cells in order, some at a time."""
        for packed in self.packed():
            yield packed.cells()

    def packed(self) -> Iterator[Packed]:
        """Yield all cells in order, some at a time, as they lie there."""
        for number, places in self.chosen.blocks():
            yield narrowed(Packed(self.file.block(self.column, number), places, self.empty))

    @cached_property
    def _one_block(self) -> Any:
        """Read a block; the last one is kept, for who looks at single cells one after another."""
        return lru_cache(maxsize=1)(lambda number: unpacked(self.file.block(self.column, number)))


@dataclass(frozen=True, eq=False)
class PackedTable:
    """Some columns of text for some of all rows; what other columns there are counts for nothing.

    Attributes:
        file: They lie there.
        columns: Their names.
        chosen: Which rows.
    """

    file: PackedColumns
    columns: tuple[str, ...]
    chosen: Chosen

    @classmethod
    def whole(cls, file: PackedColumns, columns: Sequence[str]) -> PackedTable:
        """Return some columns of all rows."""
        return cls(file, tuple(columns), Chosen.whole(file.starts))

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> PackedCells:
        return PackedCells(self.file, name, self.chosen)

    def only(self, columns: Sequence[str]) -> PackedTable:
        """Return these columns only, in this order."""
        return PackedTable(self.file, tuple(columns), self.chosen)

    def take(self, indices: Tensor) -> PackedTable:
        """Return these rows only, in this order; nothing is read."""
        return PackedTable(self.file, self.columns, self.chosen.take(indices))

    def itertuples(self, *, index: bool = False, name: str | None = None) -> Iterator[tuple[Cell, ...]]:
        """Yield the cells of each row, as a data frame's method of this name does when it is called so."""
        assert not index
        assert name is None
        for part in self.parts():
            yield from zip(*part.values(), strict=True)

    def digest(self) -> str:
        """Return what stands for all cells: other columns or rows have another."""
        state = hashlib.sha256(json.dumps([self.file.digest, self.columns]).encode())
        for rows in torch.split(self.chosen.rows, BLOCK_ROWS):
            state.update(rows.numpy().tobytes())
        return state.hexdigest()

    def hashes(self) -> Tensor:
        """Return a number for each row, int64 (n,), equal where all cells are."""
        found = [np.empty(0, np.uint64)]
        for part in self.parts():
            blocks = (packed for cells in part.values() for packed in cells.packed())
            found.append(joined(packed.chosen(hashes_of(packed.content)) for packed in blocks))
        return torch.from_numpy(np.concatenate(found).view(np.int64))

    def parts(self) -> Iterator[dict[str, PackedCells]]:
        """Yield the cells by column, those of one block at a time; nothing is read."""
        for chosen in self.chosen.parts():
            yield {name: PackedCells(self.file, name, chosen) for name in self.columns}


@dataclass(frozen=True, eq=False)
class RowNames(Sequence[str]):
    """What the user calls rows of a table: their ids where there are some, else row 1, row 2, ...

    Attributes:
        chosen: Which rows.
        prefix: Comes before each.
        ids: Of the same rows.
    """

    chosen: Chosen
    prefix: str = ""
    ids: PackedCells | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return a name, or some in a list."""
        if isinstance(place, slice):
            return list(self.take(torch.arange(len(self))[place]))
        own = None if self.ids is None else self.ids[place]
        return self.prefix + (own or f"row {int(self.chosen.rows[place]) + 1}")

    def __iter__(self) -> Iterator[str]:
        own: Iterable[Cell] = repeat(None) if self.ids is None else self.ids
        rows = chain.from_iterable(some.tolist() for some in torch.split(self.chosen.rows, BLOCK_ROWS))
        for cell, row in zip(own, rows, strict=False):
            yield self.prefix + (cell or f"row {row + 1}")

    def take(self, indices: Tensor) -> RowNames:
        """Return the names of these rows only, in this order."""
        ids = None if self.ids is None else self.ids.take(indices)
        return RowNames(self.chosen.take(indices), self.prefix, ids)


Stored = (DiskRows, PackedCells, PackedTable, RowNames)
"""What is read when it is asked for, from a file or from packed cells; `take` chooses among it."""


def is_on_disk(column: Any) -> bool:
    """Return whether a column, or a table, lies in a file."""
    return isinstance(column, DiskRows) or (isinstance(column, (PackedCells, PackedTable)) and column.file.is_on_disk)
