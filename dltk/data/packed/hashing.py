"""Numbers that stand for packed cells, and for rows of them: equal where these are, and as good as never elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dltk.data.packed.packing import has_short_mark, unpacked

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]
_SEED = 20261128
_PART = 1 << 14
"""About so many bytes are looked at together, that all that is made of them stays in the processor's cache."""


def hashes_of(content: bytes) -> Hashes:
    """Return a number for each packed cell: the sum of its bytes, each times one that stands for its place there."""
    if not has_short_mark(content):
        alone = [b"\0" + cell.encode("utf-8", "surrogatepass") for cell in unpacked(content)]
        return np.concatenate([_summed(cell, np.zeros(1, np.int64), np.array([len(cell)])) for cell in alone])
    characters = np.frombuffer(content, np.uint8)
    marks = np.flatnonzero(characters == characters[0])
    sizes = np.diff(marks, append=len(characters))
    begins = np.flatnonzero(np.diff(marks // _PART, prepend=-1)).tolist()
    parts = zip(begins, [*begins[1:], len(marks)], strict=True)
    return np.concatenate([_summed(content, marks[begin:end], sizes[begin:end]) for begin, end in parts])


def joined(columns: Iterable[Hashes]) -> Hashes:
    """Return a number for each row, from those of its cells in order."""
    factor = _random(1) | np.uint64(1)
    found = np.zeros(1, np.uint64)
    for hashes in columns:
        found = (found + hashes) * factor
        found ^= found >> np.uint64(32)
    return found


def _summed(content: bytes, marks: Places, sizes: Places) -> Hashes:
    """Return the numbers of neighbours, each with the byte before it, which counts nothing."""
    begin, end = int(marks[0]), int(marks[-1] + sizes[-1])
    characters = np.frombuffer(content, np.uint8, end - begin, begin)
    places = np.arange(begin, end) - np.repeat(marks, sizes)
    factors = _factors(int(sizes.max()).bit_length())
    found: Hashes = np.add.reduceat(factors[places] * (characters + np.uint64(1)), marks - begin)
    return found


@cache
def _factors(bits: int) -> Hashes:
    """Return factors for so many places, which are the first of those for more."""
    return np.append(np.uint64(0), _random(1 << bits))


def _random(count: int) -> Hashes:
    return np.random.default_rng(_SEED).integers(0, 1 << 64, count, np.uint64)
