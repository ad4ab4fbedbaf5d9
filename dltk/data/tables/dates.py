"""Dates in a table: which cells are one, and the numbers that a model sees of them: how late, which season, weekday."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dltk.data.specs import Column
from dltk.data.tables.numbers import Cells, absent, number
from dltk.data.tables.statuses import INVALID, MISSING, OK

Order = Literal["year first", "day first", "month first"]
Part = Literal["season", "weekday", "hour"]
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])\s?(\d{1,2}|[A-Z][a-z]{2})(?:\2\s?(\d{1,2})\.?)?(?:[T\s]\s*(\S.*))?", re.ASCII)
_KOREAN = re.compile(r"(\d{4})년(?:\s?(\d{1,2})월(?:\s?(\d{1,2})일)?)?(?:\s+(\S.*))?", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T\s]\s*(\S.*))?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_DAYS_IN_YEAR, _HOURS, _WEEKDAYS = 365.25, 24, 7
_WIDTHS: Mapping[Part, int] = {"season": 2, "weekday": _WEEKDAYS, "hour": 2}
Moments = NDArray[np.float64]
"""Days since the year 1, NaN where a cell is no date."""


@dataclass(frozen=True)
class DateColumn:
    """A column of dates: how late a date is, the season and hour as a place on a circle, one 0/1 for each weekday.

    Attributes:
        name: In the table's header.
        order: How dates are written.
        fill: Stands for a missing date, in days; the median of the training rows.
        offset: The mean of the training rows, in days.
        scale: Their deviation.
        parts: What is told beside how late it is: what differs among the training rows.
        marks_missing: Whether there is an input more, a 0/1 for "was missing".
    """

    name: str
    order: Order
    fill: float
    offset: float
    scale: float
    parts: tuple[Part, ...]
    marks_missing: bool

    @property
    def spec(self) -> Column:
        """Name and width."""
        return Column(self.name, None, 1 + sum(_WIDTHS[part] for part in self.parts) + self.marks_missing)

    def encode(self, cells: Cells) -> NDArray[np.float32]:
        """Return (N, width), not finite where a cell is no date."""
        days = np.array([self.fill if cell is None else moment(cell, self.order) for cell in cells])
        columns = [(days - self.offset) / self.scale]
        for part in self.parts:
            columns += _told(part, days)
        marks = [absent(cells).astype(np.float64)] if self.marks_missing else []
        return np.stack([*columns, *marks], axis=1).astype(np.float32)

    def severities(self, cells: Cells) -> NDArray[np.int8]:
        """Return an index into STATUSES per row: ok, missing or invalid."""
        wrong = np.array([cell is not None and math.isnan(moment(cell, self.order)) for cell in cells], dtype=np.bool_)
        return np.where(wrong, INVALID, np.where(absent(cells), MISSING, OK)).astype(np.int8)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_dates`."""
        fitted = {"fill": self.fill, "offset": self.offset, "scale": self.scale, "parts": list(self.parts)}
        return {"kind": "date", "name": self.name, "order": self.order, **fitted, "marks_missing": self.marks_missing}


def restore_dates(state: Mapping[str, Any]) -> DateColumn:
    """Rebuild a column from its `state()`."""
    options = {key: value for key, value in state.items() if key != "kind"}
    return DateColumn(**{**options, "parts": tuple(state["parts"])})


def fit_dates(name: str, cells: Cells, order: Order) -> DateColumn:
    """Fit a column on its training rows, all of which that are not missing are dates in this order."""
    known = np.fromiter((moment(cell, order) for cell in cells if cell is not None), np.float64)
    spread = float(known.std())
    is_missing = len(known) < len(cells)
    parts = tuple(part for part in _WIDTHS if _differs(part, known))
    middle = float(np.sort(known)[len(known) // 2])
    return DateColumn(name, order, middle, float(known.mean()), spread or 1.0, parts, is_missing)


def order_of(cells: Cells) -> Order | None:
    """Return how a column's dates are written; None where they are none, or where day and month cannot be told."""
    first = next((cell for cell in cells if cell is not None), None)
    orders: tuple[Order, ...] = ("year first", "day first", "month first")
    fitting = [] if first is None else [order for order in orders if _are_dates(cells, order)]
    return fitting[0] if len(fitting) == 1 else None


def _are_dates(cells: Cells, order: Order) -> bool:
    return not any(cell is not None and math.isnan(moment(cell, order)) for cell in cells)


def moments(cells: Sequence[str | None]) -> Moments | None:
    """Return what rows are to be sorted by, days or plain numbers, NaN where missing; None where it is neither."""
    order = order_of(cells)
    values = (math.nan if cell is None else moment(cell, order) if order else number(cell) for cell in cells)
    is_known = ~absent(cells)
    found = np.fromiter(values, np.float64, len(cells))
    return found if is_known.any() and np.isfinite(found[is_known]).all() else None


@lru_cache(maxsize=2**17)
def moment(cell: str, order: Order) -> float:
    """Return the days since the year 1 of a date such as 2026-11-28 14:30; NaN where the text is none in this order."""
    try:
        return _moment(cell, order)
    except ValueError:  # no such day, month or hour
        return math.nan


def _moment(cell: str, order: Order) -> float:
    if order == "year first":
        found = _YEAR_FIRST.fullmatch(cell)
        year, month, day, time = found.group(1, 3, 4, 5) if found else _korean(cell)
    else:
        found = _YEAR_LAST.fullmatch(cell)
        if found is None:
            return math.nan
        first, second, year, time = found.group(1, 3, 4, 5)
        day, month = (first, second) if order == "day first" else (second, first)
    if year is None:
        return math.nan
    number_of_month = _MONTHS.index(month) + 1 if month in _MONTHS else int(month or 1)
    return datetime.date(int(year), number_of_month, int(day or 1)).toordinal() + _part_of_day(time)


def _korean(cell: str) -> tuple[str | None, ...]:
    found = _KOREAN.fullmatch(cell)
    return found.groups() if found else (None, None, None, None)


def _part_of_day(time: str | None) -> float:
    """Return a time of day as a part of a day; raise ValueError where it is none."""
    if time is None:
        return 0.0
    found = _TIME.fullmatch(time.strip())
    if found is None:
        raise ValueError(time)
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    clock = datetime.timedelta(hours=datetime.time(hours, minutes, seconds).hour, minutes=minutes, seconds=seconds)
    return clock / datetime.timedelta(days=1)


def _differs(part: Part, days: Moments) -> bool:
    """Return whether a part tells dates apart: a weekday does not where all are firsts of months, say."""
    if part == "weekday":
        has_days = any(datetime.date.fromordinal(int(day)).day != 1 for day in days)
        return has_days and len({int(day) % _WEEKDAYS for day in days}) > 1
    if part == "season":
        return len({datetime.date.fromordinal(int(day)).month for day in days}) > 1
    return len(np.unique(np.round((days % 1) * _HOURS * 60))) > 1


def _told(part: Part, days: Moments) -> list[Moments]:
    """Return the inputs of a part, each (N,); NaN for what is no date."""
    if part == "weekday":
        weekdays = np.floor(days) % _WEEKDAYS
        return [np.where(np.isnan(days), math.nan, weekdays == weekday) for weekday in range(_WEEKDAYS)]
    angle = 2 * math.pi * (days % 1 if part == "hour" else days / _DAYS_IN_YEAR)
    return [np.sin(angle), np.cos(angle)]
