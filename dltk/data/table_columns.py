"""Typed table columns: numbers and categories, fitted on training rows, encoded as float32."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dltk.config.errors import DataError, at_most_shown, shown
from dltk.data.specs import Column

Cells = Sequence[str | None]
"""The text of one column; None where a value is missing."""
Scaling = Literal["standard", "minmax", "none"]
STATUSES = ("ok", "missing", "unknown_category", "invalid")
"""What can be said of a row, from harmless to not answerable."""
_OK, _MISSING, _UNKNOWN, _INVALID = range(len(STATUSES))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = {"inf", "infinity"}
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Encoding:
    """How columns become numbers.

    Attributes:
        scaling: standard gives training rows mean 0 and deviation 1, minmax the range 0..1, none leaves the values.
        max_categories: A column keeps that many of its most frequent categories; the others share one input.
        categories: Columns that are categories although their cells are numbers.
    """

    scaling: Scaling = "standard"
    max_categories: int = 100
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: (value - offset) / scale, and a 0/1 for "was missing" where training rows needed it.

    Attributes:
        name: In the table's header.
        fill: Stands for a missing value; the median of the training rows.
        offset: What becomes 0.
        scale: What becomes 1 above it.
        marks_missing: Whether the second input exists.
    """

    name: str
    fill: float
    offset: float
    scale: float
    marks_missing: bool

    @property
    def spec(self) -> Column:
        """Name and width."""
        return Column(self.name, None, 1 + self.marks_missing)

    def encode(self, cells: Cells) -> NDArray[np.float32]:
        """Return (N, 1) or with a missing mark (N, 2); not finite where a cell is no usable number."""
        values = np.array([self.fill if cell is None else number(cell) for cell in cells])
        with np.errstate(over="ignore"):
            encoded = [((values - self.offset) / self.scale).astype(np.float32)]
        if self.marks_missing:
            encoded.append(_absent(cells).astype(np.float32))
        return np.stack(encoded, axis=1)

    def severities(self, cells: Cells) -> NDArray[np.int8]:
        """Return an index into STATUSES per row."""
        usable = np.isfinite(self.encode(cells)).all(axis=1)
        return np.where(usable, np.where(_absent(cells), _MISSING, _OK), _INVALID).astype(np.int8)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_column`."""
        return {"kind": "number", **asdict(self)}


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: one 0/1 for each, and a last one for every other or missing value."""

    name: str
    categories: tuple[str, ...]

    @property
    def spec(self) -> Column:
        """Name, categories and width."""
        return Column(self.name, self.categories, len(self.categories) + 1)

    def encode(self, cells: Cells) -> NDArray[np.float32]:
        """Return (N, categories + 1), one 1 per row."""
        codes = {name: code for code, name in enumerate(self.categories)}
        hot = np.zeros((len(cells), len(codes) + 1), dtype=np.float32)
        hot[np.arange(len(cells)), [len(codes) if cell is None else codes.get(cell, len(codes)) for cell in cells]] = 1
        return hot

    def severities(self, cells: Cells) -> NDArray[np.int8]:
        """Return an index into STATUSES per row."""
        known = {*self.categories, None}
        unknown = np.array([cell not in known for cell in cells])
        return np.where(unknown, _UNKNOWN, np.where(_absent(cells), _MISSING, _OK)).astype(np.int8)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_column`."""
        return {"kind": "category", "name": self.name, "categories": list(self.categories)}


TableColumn = NumberColumn | CategoryColumn


def fit_column(name: str, cells: Cells, encoding: Encoding, rows: Sequence[str]) -> TableColumn:
    """Decide what a column is from its training rows, and fit it.

    Numbers if every cell that is not missing is one (or none has a value), else categories.

    Raises:
        DataError: Some cells are numbers too large for float32; `rows` names them.
    """
    if name in encoding.categories or not is_number_column(cells):
        counts = Counter(cell for cell in cells if cell is not None)
        frequent = sorted(counts, key=lambda category: (-counts[category], category))
        return CategoryColumn(name, tuple(in_natural_order(frequent[: encoding.max_categories])))
    values = numbers(name, cells, rows)
    if np.isnan(values).all():
        return NumberColumn(name, 0.0, 0.0, 1.0, marks_missing=False)
    absent = np.isnan(values)
    fill = float(np.median(values[~absent]))
    offset, scale = _scale(np.where(absent, fill, values), encoding.scaling)
    return NumberColumn(name, fill, offset, scale, bool(absent.any()))


def restore_column(state: Mapping[str, Any]) -> TableColumn:
    """Rebuild a column from its `state()`."""
    if state["kind"] == "category":
        return CategoryColumn(state["name"], tuple(state["categories"]))
    return NumberColumn(**{key: value for key, value in state.items() if key != "kind"})


def number(cell: str) -> float:
    """Return a cell's number; NaN when it is none, infinity when it is beyond float32."""
    if _NUMBER.fullmatch(cell):
        value = float(cell)
        return value if abs(value) <= _LARGEST else float("inf")
    return float("inf") if cell.lstrip("+-").lower() in _INFINITE else float("nan")


def is_number_column(cells: Cells) -> bool:
    """Return whether every cell that is not missing is a number."""
    return not any(cell is not None and np.isnan(number(cell)) for cell in cells)


def numbers(name: str, cells: Cells, rows: Sequence[str]) -> NDArray[np.float64]:
    """Return a column's values, NaN where missing.

    Raises:
        DataError: Some cells are no finite numbers; `rows` names them.
    """
    values = np.array([np.nan if cell is None else number(cell) for cell in cells])
    wrong = np.flatnonzero(~np.isfinite(values) & ~_absent(cells))
    if len(wrong):
        raise wrong_cells("is not a finite number", [(rows[i], name, str(cells[i])) for i in wrong.tolist()])
    return values


def wrong_cells(what: str, found: Sequence[tuple[str, str, str]]) -> DataError:
    """Return the error about cells, each (row, column, text), that share one fault."""
    cells = [f"{row}, column {shown(column)}: {shown(text)}" for row, column, text in found]
    return DataError(
        f"{len(found)} cell{'s' if len(found) > 1 else ''} of the table: a value {what}",
        found=at_most_shown(cells),
        do="correct it, or name what stands for a missing value in missing:",
    )


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Sort names: as numbers when all are, else as text."""
    unique = set(names)
    if is_number_column(list(unique)):
        return sorted(unique, key=lambda name: (number(name), name))
    return sorted(unique)


def _absent(cells: Cells) -> NDArray[np.bool_]:
    return np.array([cell is None for cell in cells])


def _scale(values: NDArray[np.float64], scaling: Scaling) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if scaling == "none":
        return 0.0, 1.0
    if low == high:  # a constant column has no spread to divide by
        return low, 1.0
    return (low, high - low) if scaling == "minmax" else (float(values.mean()), float(values.std()))
