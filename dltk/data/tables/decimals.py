"""The numbers of a packed column, read from its bytes at once: a cell at a time, they take longer than all else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MARK = b"\0"
_OF_DECIMALS = _MARK + b"+-.0123456789"
_AS_WHOLE = bytes.maketrans(_MARK, b" ")
_PLUS, _MINUS, _POINT = b"+-."
_MAX_DIGITS = 15
"""So many digits, and the power of ten that they are divided by, are float64 without rounding: only the quotient is
rounded, as that of `float` is (Clinger 1990, "How to read floating point numbers accurately")."""
_POWERS = 10.0 ** np.arange(_MAX_DIGITS + 1)
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Decimals:
    """Cells that are signs, digits and points alone, each a number or empty.

    Attributes:
        content: The cells, each with a NUL before it.
        is_known: Which are not empty, (N,).
        is_negative: Which begin with a minus, (N,).
        num_decimals: Digits behind the point, (N,).
    """

    content: bytes
    is_known: NDArray[np.bool_]
    is_negative: NDArray[np.bool_]
    num_decimals: Places

    @classmethod
    def of(cls, content: bytes) -> Decimals | None:
        """Return the cells of a column; None where one has other characters, is no number, or has very many digits."""
        if not content.startswith(_MARK) or content.translate(None, _OF_DECIMALS):
            return None
        characters = np.frombuffer(content, np.uint8)
        begins = np.flatnonzero(characters == _MARK[0]) + 1
        ends = np.append(begins[1:] - 1, len(characters))
        first = np.where(ends > begins, characters[np.minimum(begins, len(characters) - 1)], _MARK[0])
        is_negative = first == _MINUS
        is_signed = is_negative | (first == _PLUS)
        num_signs = np.count_nonzero(characters == _MINUS) + np.count_nonzero(characters == _PLUS)
        points = np.flatnonzero(characters == _POINT)
        pointed = _cells_of(points, begins, ends)
        num_decimals, num_points = np.zeros((2, len(begins)), np.int64)
        num_decimals[pointed] = ends[pointed] - points - 1
        num_points[pointed] = 1
        num_digits = ends - begins - num_points - is_signed
        is_proper = num_digits > 0
        is_known = ends > begins
        is_wrong = num_signs > np.count_nonzero(is_signed) or num_points.sum() < len(points)
        if is_wrong or (is_proper != is_known).any() or num_digits.max() > _MAX_DIGITS:
            return None
        return cls(content, is_known, is_negative, num_decimals)

    def values(self) -> NDArray[np.float64]:
        """Return what `float` does of each cell, (N,); NaN where it is empty."""
        found = np.full(len(self.is_known), np.nan)
        if self.is_known.any():
            wholes = np.fromstring(self.content.translate(_AS_WHOLE, b"+."), np.int64, sep=" ")
            found[self.is_known] = wholes / _POWERS[self.num_decimals[self.is_known]]
            found[(found == 0) & self.is_negative] = -0.0
        return found


def _cells_of(points: Places, begins: Places, ends: Places) -> Places:
    """Return which cell each point is in."""
    if len(points) == len(begins) and ((begins <= points) & (points < ends)).all():
        return np.arange(len(begins))
    return np.searchsorted(begins, points, side="right") - 1
