"""Typed table columns: numbers and categories, fitted on training rows, encoded as float32."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltk.config.errors import OptionError, at_most_shown, shown
from dltk.data.places import Rows
from dltk.data.specs import Column
from dltk.data.tables.dates import DateColumn, fit_dates, order_of, restore_dates
from dltk.data.tables.numbers import (
    Cells,
    Line,
    Scale,
    Values,
    absent,
    fit_scale,
    is_number_column,
    number,
    numbers,
    numbers_of,
    restore_scale,
    wrong_cells,
)
from dltk.data.tables.options import TableOptions, Transform
from dltk.data.tables.statuses import INVALID, MISSING, OK, UNKNOWN
from dltk.data.tables.tallies import most_frequent

Encoded = NDArray[np.float32]
Severities = NDArray[np.int8]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: transformed, scaled, limited, and a 0/1 for "was missing" where training rows needed it.

    Attributes:
        name: In the table's header.
        fill: Stands for a missing value; the median of the training rows.
        scale: Fitted on the transformed values of the training rows.
        transform: What a value passes through first.
        clip: The largest absolute value that comes out of scaling; None sets no limit.
        marks_missing: Whether there is an input more.
    """

    name: str
    fill: float
    scale: Scale
    transform: Transform
    clip: float | None
    marks_missing: bool

    @property
    def spec(self) -> Column:
        """Name and width."""
        return Column(self.name, None, self.scale.size + self.marks_missing)

    def encode(self, cells: Cells) -> Encoded:
        """Return (N, scale.size), with a missing mark one more; not finite where a cell is no usable number."""
        values = numbers_of(cells)
        is_absent = np.isnan(values)
        if is_absent.any():  # else there is no need to look: what is missing is no number
            is_absent = absent(cells)
            values[is_absent] = self.fill
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            transformed = _transformed(values, self.transform)
            scaled = self.scale.encode(transformed)
            clipped = scaled if self.clip is None else np.clip(scaled, -self.clip, self.clip)
            encoded = np.where(np.isfinite(transformed)[:, None], clipped, np.nan).astype(np.float32)
        marks = [is_absent[:, None].astype(np.float32)] if self.marks_missing else []
        return np.concatenate([encoded, *marks], axis=1)

    def severities(self, cells: Cells) -> Severities:
        """Return an index into STATUSES per row."""
        usable = np.isfinite(self.encode(cells)).all(axis=1)
        return np.where(usable, np.where(absent(cells), MISSING, OK), INVALID).astype(np.int8)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_column`."""
        fitted = {"name": self.name, "fill": self.fill, "scale": self.scale.state(), "clip": self.clip}
        return {"kind": "number", **fitted, "transform": self.transform, "marks_missing": self.marks_missing}


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: one 0/1 for each, and a last one for every other or missing value."""

    name: str
    categories: tuple[str, ...]

    @property
    def spec(self) -> Column:
        """Name, categories and width."""
        return Column(self.name, self.categories, len(self.categories) + 1)

    def encode(self, cells: Cells) -> Encoded:
        """Return (N, categories + 1), one 1 per row."""
        return _hot(_codes(self.categories, cells), len(self.categories) + 1)

    def severities(self, cells: Cells) -> Severities:
        """Return an index into STATUSES per row."""
        return _severities(self.categories, cells)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_column`."""
        return {"kind": "category", "name": self.name, "categories": list(self.categories)}


@dataclass(frozen=True)
class OrdinalColumn:
    """A column of ordered categories: their place from 0 to 1, and a 0/1 for every other or missing value."""

    name: str
    categories: tuple[str, ...]

    @property
    def spec(self) -> Column:
        """Name, categories and width."""
        return Column(self.name, self.categories, 2)

    def encode(self, cells: Cells) -> Encoded:
        """Return (N, 2); an unknown category has the place 0 and the mark 1."""
        codes, count = _codes(self.categories, cells), len(self.categories)
        places = np.where(codes == count, 0, codes / max(count - 1, 1))
        return np.stack([places, codes == count], axis=1).astype(np.float32)

    def severities(self, cells: Cells) -> Severities:
        """Return an index into STATUSES per row."""
        return _severities(self.categories, cells)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_column`."""
        return {"kind": "ordinal", "name": self.name, "categories": list(self.categories)}


@dataclass(frozen=True)
class HashedColumn:
    """A column of any texts: one 0/1 per bucket of a hash, the same in every process, and a last one for missing.

    No category is unknown, for none is remembered.
    """

    name: str
    num_buckets: int

    @property
    def spec(self) -> Column:
        """Name and width."""
        return Column(self.name, (), self.num_buckets + 1)

    def encode(self, cells: Cells) -> Encoded:
        """Return (N, num_buckets + 1), one 1 per row."""
        codes = {cell: _bucket(cell, self.num_buckets) for cell in set(cells) if cell is not None}
        places = np.array([self.num_buckets if cell is None else codes[cell] for cell in cells], dtype=np.int64)
        return _hot(places, self.num_buckets + 1)

    def severities(self, cells: Cells) -> Severities:
        """Return an index into STATUSES per row."""
        return np.where(absent(cells), MISSING, OK).astype(np.int8)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_column`."""
        return {"kind": "hashed", "name": self.name, "num_buckets": self.num_buckets}


TableColumn = NumberColumn | DateColumn | CategoryColumn | OrdinalColumn | HashedColumn


def fit_column(name: str, cells: Cells, options: TableOptions, rows: Rows) -> TableColumn:
    """Decide what a column is, from its options or else from its training rows, and fit it.

    Numbers if every cell that is not missing is one (or none has a value), dates if every one is a date, else
    categories.

    Raises:
        DataError: Some cells are numbers too large for float32, or none that the options allow; `rows` names them.
        OptionError: `order` lacks categories, or options of numbers are given to a column of text.
    """
    kind = options.kind_of(name)
    if kind == "numbers" or (kind is None and is_number_column(cells)):
        _refuse_text(name, cells, options)
        return _fit_numbers(name, cells, options.of(name), rows)
    order = order_of(cells) if kind is None else None
    if order is not None:
        return fit_dates(name, cells, order)
    return _fit_categories(name, cells, options.of(name), options.order_of(name))


def restore_column(state: Mapping[str, Any]) -> TableColumn:
    """Rebuild a column from its `state()`."""
    kind, name = state["kind"], state["name"]
    if kind == "date":
        return restore_dates(state)
    if kind == "hashed":
        return HashedColumn(name, state["num_buckets"])
    if kind == "number":
        scale, clip = restore_scale(state["scale"]), state["clip"]
        return NumberColumn(name, state["fill"], scale, state["transform"], clip, state["marks_missing"])
    categories = tuple(state["categories"])
    return OrdinalColumn(name, categories) if kind == "ordinal" else CategoryColumn(name, categories)


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Sort names: as numbers when all are, else as text."""
    unique = set(names)
    if is_number_column(list(unique)):
        return sorted(unique, key=lambda name: (number(name), name))
    return sorted(unique)


def _fit_numbers(name: str, cells: Cells, options: TableOptions, rows: Rows) -> NumberColumn:
    values = numbers(name, cells, rows)
    known = ~np.isnan(values)
    transform, clip = options.transform, options.clip
    if not known.any():
        return NumberColumn(name, 0.0, Line(0.0, 1.0), transform, clip, marks_missing=False)
    if transform == "log1p" and (values[known] <= -1).any():
        wrong = np.flatnonzero(values <= -1).tolist()
        found = [(i, name, str(cells[i])) for i in wrong]
        raise wrong_cells("is -1 or less, which transform: log1p cannot take", found, rows)
    fill = float(np.median(values[known]))
    filled = _transformed(np.where(known, values, fill), transform)
    scale = fit_scale(filled, options.scaling, options.num_bins)
    return NumberColumn(name, fill, scale, transform, clip, bool(not known.all()))


def _refuse_text(name: str, cells: Cells, options: TableOptions) -> None:
    """Refuse a column that its own options call numbers and that is text; where only some cells are, they are wrong."""
    if name not in options.columns:
        return
    is_known = ~absent(cells)
    is_text = np.isnan(numbers_of(cells)) & is_known
    num_texts, num_known = int(is_text.sum()), int(is_known.sum())
    if 2 * num_texts > num_known:
        option = options.columns[name].chosen[0]
        raise OptionError(
            f"columns.{name}.{option}",
            f"is for numbers, and {num_texts} of the {num_known} training cells are none "
            f"(such as {shown(cells[int(is_text.argmax())])}); leave it out, or drop the column",
            id="DLTK-CONFIG-CONFLICT",
        )


def _fit_categories(
    name: str, cells: Cells, options: TableOptions, order: tuple[str, ...] | None
) -> CategoryColumn | OrdinalColumn | HashedColumn:
    if options.encode == "hashing":
        return HashedColumn(name, options.num_buckets)
    if order is not None:
        return OrdinalColumn(name, _ordered(name, order, {cell for cell in cells if cell is not None}))
    frequent = most_frequent(cells, options.max_categories, lambda counted: (-counted[1], counted[0]))
    kept = [category for category, count in frequent if count >= options.min_count]
    kind = OrdinalColumn if options.encode == "ordinal" else CategoryColumn
    return kind(name, tuple(in_natural_order(kept)))


def _ordered(name: str, order: tuple[str, ...], found: Iterable[str]) -> tuple[str, ...]:
    lacking = in_natural_order(set(found) - set(order))
    if lacking:
        names = at_most_shown([shown(category) for category in lacking])
        raise OptionError(f"columns.{name}.order", f"must name every category of the column; it lacks {names}")
    return order


def _transformed(values: Values, transform: Transform) -> Values:
    return np.log1p(values) if transform == "log1p" else values


def _codes(categories: Sequence[str], cells: Cells) -> NDArray[np.int64]:
    """Return the place of each cell among the categories, their count where it is none of them."""
    codes = {name: code for code, name in enumerate(categories)}
    found = (len(codes) if cell is None else codes.get(cell, len(codes)) for cell in cells)
    return np.fromiter(found, np.int64, len(cells))


def _hot(codes: NDArray[np.int64], width: int) -> Encoded:
    hot = np.zeros((len(codes), width), dtype=np.float32)
    hot[np.arange(len(codes)), codes] = 1
    return hot


def _severities(categories: Sequence[str], cells: Cells) -> Severities:
    known = {*categories, None}
    unknown = np.array([cell not in known for cell in cells], dtype=np.bool_)
    return np.where(unknown, UNKNOWN, np.where(absent(cells), MISSING, OK)).astype(np.int8)


def _bucket(text: str, num_buckets: int) -> int:
    """Return the bucket of a text, the same in every process and on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % num_buckets
