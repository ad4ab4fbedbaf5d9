"""How often each value of a column comes, counted without holding more of them than needed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dltk.data.packed.cells import PackedCells

MAX_HELD = 1 << 20
"""So many different values are counted at once, where a column lies on disk."""
Rank: TypeAlias = Callable[[tuple[str, int]], Any]
_Ranked: TypeAlias = tuple[Any, int, tuple[str, int]]


def num_different(cells: Sequence[str | None]) -> int:
    """Return how many different values there are, missing ones not counted; on disk, by their hashes of 64 bits."""
    if isinstance(cells, PackedCells):
        hashes = np.unique(np.fromiter(map(hash, cells), np.int64, len(cells)))
        return len(hashes) - int(np.isin(hash(None), hashes))
    return len(set(cells) - {None})


def most_frequent(
    cells: Sequence[str | None], most: int, rank: Rank = lambda counted: -counted[1]
) -> list[tuple[str, int]]:
    """Return values with their counts, those of the lowest rank; equal ones in the order of their first cell.

    Where a column on disk has very many different values, each reading counts a part of them, chosen by their hash.

    Args:
        cells: Missing ones are not counted.
        most: How many values, at most.
        rank: Of a value and its count; default the most frequent first.
    """
    parts = -(-num_different(cells) // MAX_HELD) if isinstance(cells, PackedCells) else 1
    if parts <= 1:
        return heapq.nsmallest(most, Counter(cell for cell in cells if cell is not None).items(), key=rank)
    found: list[_Ranked] = []
    for part in range(parts):
        found = heapq.nsmallest(most, [*found, *_ranked_part(cells, part, parts, rank)], key=lambda ranked: ranked[:2])
    return [counted for _, _, counted in found]


def _ranked_part(cells: Sequence[str | None], part: int, parts: int, rank: Rank) -> list[_Ranked]:
    """Return the values of one part with their counts, each with its rank and the place of its first cell."""
    counts: Counter[str] = Counter()
    firsts: dict[str, int] = {}
    for place, cell in enumerate(cells):
        if cell is not None and hash(cell) % parts == part:
            counts[cell] += 1
            firsts.setdefault(cell, place)
    return [(rank(counted), firsts[counted[0]], counted) for counted in counts.items()]
