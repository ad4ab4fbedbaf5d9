"""Cells of text as bytes: block by block the cells of each column lie together, a mark before each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dltk.data.disk.store import Write

BLOCK_ROWS = 1 << 14
"""So many cells of a column, at most, lie together and are read at once."""
BLOCK_CHARACTERS = 1 << 24
"""So many characters of all columns end a block that has fewer rows."""
Cell = str | None
Value = TypeVar("Value", bound=np.generic)
_LAST_OF_ASCII = 0x7F
_TIMES = 2
"""A block with so many times the cells that are wanted is narrowed."""


class CellWriter:
    """Writes columns of text block by block.

    Args:
        write: Takes the bytes.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._ends: list[int] = []
        self._starts, self._end = [0], 0
        self._num_rows = self._num_characters = 0
        self._begun: list[_Begun] = []

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Add the next cells of every column."""
        begin, num_rows = 0, len(columns[0])
        self._begun = self._begun or [_Begun() for _ in columns]
        while begin < num_rows:
            end = min(num_rows, begin + BLOCK_ROWS - self._num_rows)
            for begun, cells in zip(self._begun, columns, strict=True):
                self._num_characters += begun.add(cells[begin:end])
            self._num_rows, begin = self._num_rows + end - begin, end
            if self._num_rows == BLOCK_ROWS or self._num_characters >= BLOCK_CHARACTERS:
                self._end_block()

    def _end_block(self) -> None:
        for begun in self._begun:
            content = begun.taken()
            self._write(content)
            self._end += len(content)
            self._ends.append(self._end)
        self._starts.append(self._starts[-1] + self._num_rows)
        self._num_rows = self._num_characters = 0

    def facts(self, columns: Sequence[str]) -> Mapping[str, Any]:
        """Return the plain values that `PackedColumns` needs, once the columns have names and all cells were added."""
        if self._num_rows:
            self._end_block()
        return {"columns": tuple(columns), "starts": self._starts, "ends": self._ends}


class _Begun:
    """The next block of a column, as far as there are cells: joined by a character that none of them has."""

    def __init__(self) -> None:
        self._mark, self._parts = "\0", list[str]()

    def add(self, cells: Sequence[str]) -> int:
        """Return how many characters were added."""
        joined = self._mark.join(cells)
        if joined.count(self._mark) >= len(cells):
            self._mark_anew("".join(cells))
            joined = self._mark.join(cells)
        self._parts.append(joined)
        return len(joined)

    def taken(self) -> bytes:
        """Return the packed cells, and begin anew."""
        content = (self._mark + self._mark.join(self._parts)).encode("utf-8", "surrogatepass")
        self._mark, self._parts = "\0", []
        return content

    def _mark_anew(self, more: str) -> None:
        """Take another mark."""
        known = more + "".join(self._parts)
        mark = next(mark for mark in map(chr, count()) if mark not in known)
        self._mark, self._parts = mark, [part.replace(self._mark, mark) for part in self._parts]


class HeldBytes:
    """What a `CellWriter` writes, kept in memory block by block."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self._end = 0
        self._state = hashlib.sha256()

    def write(self, content: bytes | memoryview) -> None:
        """Add the next block."""
        self._blocks[self._end] = bytearray(content)
        self._end += len(content)
        self._state.update(content)

    def between(self, begin: int, end: int) -> Tensor:
        """Return a block, which is not to be changed: uint8 from one byte up to, not with, another."""
        assert len(self._blocks[begin]) == end - begin
        return torch.frombuffer(self._blocks[begin], dtype=torch.uint8)

    def digest(self) -> str:
        """Return the SHA-256 of all bytes."""
        return self._state.hexdigest()


@dataclass(frozen=True)
class Packed:
    """Cells of a column that lie together.

    Attributes:
        content: All cells of the block, each with a character before it that none of them has, NUL unless one does.
        places: Which of them, int64 (n,); None for all.
        empty: What an empty cell is read as.
    """

    content: bytes
    places: Tensor | None
    empty: Cell

    def cells(self) -> list[Cell]:
        """Return the text of each."""
        cells: Sequence[str] = unpacked(self.content)
        if self.places is not None:
            cells = [cells[place] for place in self.places.tolist()]
        empty = self.empty
        return [*cells] if "" not in cells else [cell or empty for cell in cells]

    def chosen(self, values: NDArray[Value]) -> NDArray[Value]:
        """Return those of the values, one for each cell of the block, that are of these cells."""
        return values if self.places is None else values[self.places.numpy()]

    def are_empty(self) -> NDArray[np.bool_]:
        """Return which cells of the whole block are empty."""
        if not has_short_mark(self.content):
            return np.array([not cell for cell in unpacked(self.content)], np.bool_)
        characters = np.frombuffer(self.content, np.uint8)
        is_mark = characters == characters[0]
        found: NDArray[np.bool_] = np.append(is_mark[1:], values=True)[is_mark]
        return found


def narrowed(packed: Packed) -> Packed:
    """Return the same cells without the others of the block, where these are many and the order is the same."""
    places, content = packed.places, packed.content
    if places is None or not has_short_mark(content) or not bool((places.diff() > 0).all()):
        return packed
    characters = np.frombuffer(content, np.uint8)
    marks = np.flatnonzero(characters == characters[0])
    if _TIMES * len(places) > len(marks):
        return packed
    is_wanted = np.zeros(len(marks), np.bool_)
    is_wanted[places.numpy()] = True
    some = characters[np.repeat(is_wanted, np.diff(marks, append=len(characters)))]
    return Packed(some.tobytes(), None, packed.empty)


def has_short_mark(content: bytes) -> bool:
    """Return whether the mark before each cell is one byte, which then no cell has."""
    return content[0] <= _LAST_OF_ASCII


def unpacked(content: bytes) -> list[str]:
    """Return the cells of a block."""
    text = content.decode("utf-8", "surrogatepass")
    return text[1:].split(text[0])
