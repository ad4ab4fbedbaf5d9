"""Numbers in a table: which cells are one, how they are scaled by the training rows, and how they are cut into bins."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from dltk.config.errors import DataError, count_of, shown
from dltk.data.packed.cells import PackedCells
from dltk.data.packed.packing import Packed
from dltk.data.places import Rows, cell_problem
from dltk.data.tables.decimals import Decimals
from dltk.data.tables.options import Scaling

Cells = Sequence[str | None]
"""The text of one column; None where a value is missing."""
Values = NDArray[np.float64]
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_OF_NUMBERS = b"+-.0123456789Ee"
_INFINITE = {"inf", "infinity"}
_LARGEST = float(np.finfo(np.float32).max)
_MAX_QUANTILES = 1000
_EDGE = 1e-7  # a rank of 0 or 1 would be an infinite deviation


@dataclass(frozen=True)
class Line:
    """(value - offset) / scale."""

    offset: float
    scale: float
    size: ClassVar[int] = 1

    def encode(self, values: Values) -> Values:
        """Return (N, 1)."""
        return ((values - self.offset) / self.scale)[:, None]

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_scale`."""
        return {"kind": "line", "offset": self.offset, "scale": self.scale}


@dataclass(frozen=True)
class Ranks:
    """The deviation that a normal distribution has at a value's rank; ranks between quantiles are interpolated."""

    quantiles: tuple[float, ...]
    size: ClassVar[int] = 1

    def encode(self, values: Values) -> Values:
        """Return (N, 1); a value that many rows share has the middle of its ranks."""
        known = np.asarray(self.quantiles)
        places = np.linspace(0, 1, len(known))
        lowest, highest = np.interp(values, known, places), 1 - np.interp(-values, -known[::-1], places)
        ranks = np.clip((lowest + highest) / 2, _EDGE, 1 - _EDGE)
        deviations: Values = torch.special.ndtri(torch.from_numpy(ranks)).numpy()
        return deviations[:, None]

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_scale`."""
        return {"kind": "ranks", "quantiles": list(self.quantiles)}


@dataclass(frozen=True)
class Bins:
    """Piecewise-linear encoding (Gorishniy et al. 2022, eq. 1): one input per bin, 0 below it, 1 above it.

    Below the first and above the last edge the outer bins go on as lines, so that no value is out of range.
    """

    edges: tuple[float, ...]

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.edges) - 1

    def encode(self, values: Values) -> Values:
        """Return (N, bins)."""
        edges = np.asarray(self.edges)
        with np.errstate(over="ignore"):  # a bin may be too narrow to divide by; what is infinite becomes 1 or 0
            fractions: Values = (values[:, None] - edges[:-1]) / np.diff(edges)
        fractions[:, 1:] = np.maximum(fractions[:, 1:], 0)
        fractions[:, :-1] = np.minimum(fractions[:, :-1], 1)
        return fractions

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_scale`."""
        return {"kind": "bins", "edges": list(self.edges)}


Scale = Line | Ranks | Bins


def fit_scale(values: Values, scaling: Scaling, num_bins: int) -> Scale:
    """Fit a scale on the training rows, float64 (N,) without missing values; equal values all become 0."""
    low, high = float(values.min()), float(values.max())
    if scaling == "none":
        return Line(0.0, 1.0)
    if low == high:  # a constant column has no spread to divide by, and no quantiles to tell apart
        return Line(low, 1.0)
    if scaling == "quantile_normal":
        quantiles = np.quantile(values, np.linspace(0, 1, min(_MAX_QUANTILES, len(values))))
        return Ranks(tuple(np.maximum.accumulate(quantiles).tolist()))
    if scaling == "piecewise_linear":
        return Bins(_edges(values, num_bins))
    if scaling == "robust":
        first, middle, third = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
        return Line(middle, (third - first) or 1.0)
    return Line(low, high - low) if scaling == "minmax" else Line(float(values.mean()), float(values.std()))


def _edges(values: Values, num_bins: int) -> tuple[float, ...]:
    """Cut at quantiles; a value that fills a bin by itself is an edge, and the other bins are for the other rows.

    Otherwise a column such as a capital gain, nearly always 0, would have one bin for all that differs.
    """
    edges: list[float] = []
    while len(values) and num_bins > 0:
        distinct, counts = np.unique(values, return_counts=True)
        heavy = distinct[counts * num_bins > len(values)]
        if len(heavy) == 0:
            edges += np.quantile(values, np.linspace(0, 1, num_bins + 1)).tolist()
            break
        edges += heavy.tolist()
        values, num_bins = values[~np.isin(values, heavy)], num_bins - len(heavy)
    return tuple(sorted(set(edges)))


def restore_scale(state: Mapping[str, Any]) -> Scale:
    """Rebuild a scale from its `state()`."""
    if state["kind"] == "line":
        return Line(state["offset"], state["scale"])
    return Ranks(tuple(state["quantiles"])) if state["kind"] == "ranks" else Bins(tuple(state["edges"]))


@lru_cache(maxsize=2**16)
def number(cell: str) -> float:
    """Return a cell's number; NaN when it is none, infinity when it is beyond float32."""
    if _NUMBER.fullmatch(cell):
        value = float(cell)
        return value if abs(value) <= _LARGEST else float("inf")
    return float("inf") if cell.lstrip("+-").lower() in _INFINITE else float("nan")


def numbers_of(cells: Cells) -> Values:
    """Return what `number` does of each cell, (N,); NaN where a value is missing."""
    values = np.concatenate([_values(block) for block in _blocks(cells)]) if len(cells) else np.empty(0)
    values[np.abs(values) > _LARGEST] = math.inf
    return values


def is_number_column(cells: Cells) -> bool:
    """Return whether every cell that is not missing is a number."""
    return not any(map(_has_text, _blocks(cells)))


def absent(cells: Cells) -> NDArray[np.bool_]:
    """Return which cells are missing, (N,)."""
    return np.concatenate([_absent(block) for block in _blocks(cells)]) if len(cells) else np.empty(0, np.bool_)


def _blocks(cells: Cells) -> Iterator[Packed | Cells]:
    """Yield the cells of a column in order: those of a file as they lie there, some at a time."""
    yield from cells.packed() if isinstance(cells, PackedCells) else [cells]


def _values(block: Packed | Cells) -> Values:
    if isinstance(block, Packed):
        decimals = Decimals.of(block.content)
        return _values(block.cells()) if decimals is None else block.chosen(decimals.values())
    plain = _plain_numbers(block)
    return np.array([math.nan if cell is None else number(cell) for cell in block] if plain is None else plain)


def _has_text(block: Packed | Cells) -> bool:
    if isinstance(block, Packed):
        return Decimals.of(block.content) is None and _has_text(block.cells())
    if _plain_numbers(block) is not None:
        return False
    return any(math.isnan(number(cell)) for cell in set(block) if cell is not None)


def _absent(block: Packed | Cells) -> NDArray[np.bool_]:
    if isinstance(block, Packed):
        return _absent(block.cells()) if block.empty is not None else block.chosen(block.are_empty())
    return np.array([cell is None for cell in block], np.bool_)


def _plain_numbers(cells: Cells) -> list[float] | None:
    """Read cells that have no other characters than numbers, which is faster; None where some are no numbers."""
    if "".join(filter(None, cells)).encode("utf-8", "surrogatepass").translate(None, _OF_NUMBERS):
        return None
    try:
        if None in cells:
            return [math.nan if cell is None else float(cell) for cell in cells]
        return list(map(float, cast("Sequence[str]", cells)))
    except ValueError:
        return None


def numbers(name: str, cells: Cells, rows: Rows) -> Values:
    """Return a column's values, NaN where missing.

    Raises:
        DataError: Some cells are no finite numbers; `rows` names them.
    """
    values = numbers_of(cells)
    is_unusable = ~np.isfinite(values)
    wrong: list[int] = np.flatnonzero(is_unusable & ~absent(cells)).tolist() if is_unusable.any() else []
    if wrong:
        raise wrong_cells("is not a finite number", [(i, name, str(cells[i])) for i in wrong], rows)
    return values


def wrong_cells(what: str, found: Sequence[tuple[int, str, str]], rows: Rows) -> DataError:
    """Return the error about cells, each (row, column, text), that share one fault; equal cells are told once."""
    counts = Counter((column, text) for _, column, text in found)
    first = {(column, text): row for row, column, text in reversed(found)}
    problems = [
        cell_problem(
            rows, first[column, text], column, f"a value {what}{_again(count)}", "DLTK-DATA-CELL", found=shown(text)
        )
        for (column, text), count in counts.items()
    ]
    return DataError(
        f"{count_of(len(found), 'cell')} of the table: a value {what}",
        do="correct it, or name what stands for a missing value in missing:",
        problems=problems,
    )


def _again(count: int) -> str:
    return f"; the same {count} times" if count > 1 else ""
