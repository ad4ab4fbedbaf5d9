"""Rows of packed cells that were chosen, in which order, and in which of its blocks they lie."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor


class Chosen:
    """Which rows, in which order; shared by all that is chosen of them together.

    Args:
        rows: int64 (n,).
        starts: int64, the first row of each block, and of one behind the last.
    """

    def __init__(self, rows: Tensor, starts: Tensor) -> None:
        self.rows, self._starts = rows, starts
        self._last: tuple[Tensor, Chosen] | None = None

    @classmethod
    def whole(cls, starts: Tensor) -> Chosen:
        """Return all rows, in order."""
        return cls(torch.arange(int(starts[-1])), starts)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Tensor) -> Chosen:
        """Return some of them; for the same indices the same again, so that columns do not each keep their own."""
        if self._last is None or self._last[0] is not indices:
            self._last = indices, Chosen(self.rows.index_select(0, indices), self._starts)
        return self._last[1]

    def place(self, row: int) -> tuple[int, int]:
        """Return in which block a row of the file lies, and where in it."""
        block = int(torch.searchsorted(self._starts, row, right=True)) - 1
        return block, row - int(self._starts[block])

    def parts(self) -> Iterator[Chosen]:
        """Yield them in order, those of one block at a time."""
        for rows in torch.split(self.rows, [length for _, length in self.met]):
            yield Chosen(rows, self._starts)

    def blocks(self) -> Iterator[tuple[int, Tensor | None]]:
        """Yield the number of each block that is met, with the places in it, or None for all of it in order."""
        begin = 0
        for number, length in self.met:
            first, end = self._starts[number : number + 2].tolist()
            places = self.rows[begin : begin + length] - first
            begin += length
            is_whole = length == end - first and bool((places.diff() == 1).all())
            yield number, None if is_whole else places

    @cached_property
    def met(self) -> list[tuple[int, int]]:
        """Which blocks are met one after another, and how many rows of each."""
        numbers = torch.bucketize(self.rows, self._starts, out_int32=True, right=True) - 1
        blocks, lengths = torch.unique_consecutive(numbers, return_counts=True)
        return list(zip(blocks.tolist(), lengths.tolist(), strict=True))
