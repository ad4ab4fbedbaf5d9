"""How often each value of a column comes, counted without holding more of them than needed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dltk.data.disk.cells import DiskCells

MAX_HELD = 1 << 20
"""So many different values are counted at once, where a column lies on disk."""


def num_different(cells: Sequence[str | None]) -> int:
    """Return how many different values there are, missing ones not counted; on disk, by their hashes of 64 bits."""
    if isinstance(cells, DiskCells):
        hashes = np.unique(np.fromiter(map(hash, cells), np.int64, len(cells)))
        return len(hashes) - int(np.isin(hash(None), hashes))
    return len(set(cells) - {None})


def most_frequent(
    cells: Sequence[str | None], most: int, rank: Callable[[tuple[str, int]], Any] = lambda counted: -counted[1]
) -> list[tuple[str, int]]:
    """Return values with their counts, those of the lowest rank; equal ones in the order of their first cell.

    Where a column on disk has very many different values, each reading counts a part of them, chosen by their hash.

    Args:
        cells: Missing ones are not counted.
        most: How many values, at most.
        rank: Of a value and its count; default the most frequent first.
    """
    parts = -(-num_different(cells) // MAX_HELD) if isinstance(cells, DiskCells) else 1
    found: list[tuple[str, int]] = []
    for part in range(parts):
        counts = Counter(cell for cell in cells if cell is not None and (parts == 1 or hash(cell) % parts == part))
        found = heapq.nsmallest(most, [*found, *counts.items()], key=rank)
    return found
