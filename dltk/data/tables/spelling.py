"""How people write numbers: a comma for the decimal point, marks between thousands; and dates, which are no numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

Decimal = Literal[".", ","]
Thousands = Literal[",", ".", " ", "'"]
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_POINTED = re.compile(rf"\s*[+-]?(?:\d+\.\d*|\.\d+){_EXPONENT}\s*", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:1[5-9]|2[01])\d\d"
_MONTH = r"(?:0?[1-9]|1[0-2]|[A-Z][a-z]{2})"
_DATES = (
    rf"{_YEAR}(?P<mark>[-/.])\s?{_MONTH}(?:(?P=mark)\s?{_DAY}\.?)?",
    rf"{_DAY}(?P<other>[-/.]){_DAY}(?P=other)(?:{_YEAR}|\d\d)",
    rf"{_YEAR}년(?:\s?{_MONTH}월(?:\s?{_DAY}일)?)?",
)
_DATE = re.compile(rf"(?:{'|'.join(_DATES)})(?:[T\s]\s*\d{{1,2}}:\d\d.*)?")


def with_point(cell: str, decimal: Decimal, thousands: Thousands | None) -> str:
    """Return a number as Python writes it; what is none comes back as it is."""
    return cell if not _number(decimal, thousands).fullmatch(cell) else _plain(cell, decimal, thousands)


def misplaced_point(cell: str, decimal: Decimal, thousands: Thousands | None) -> bool:
    """Return whether a cell looks like a number with a decimal point, where that is no comma's place."""
    return decimal == "," and bool(_POINTED.fullmatch(cell)) and not _number(decimal, thousands).fullmatch(cell)


def comma_hint(cells: Sequence[str]) -> str:
    """Return what to set where all of some cells are numbers with commas, else ""."""
    if not cells or not all(_COMMA_NUMBER.fullmatch(cell) or _GROUPED.fullmatch(cell) for cell in cells):
        return ""
    return 'set thousands: ","' if all(map(_GROUPED.fullmatch, cells)) else 'set decimal: ","'


def is_date(cell: str) -> bool:
    """Return whether a cell looks like a date or a month, with or without a time of day."""
    return bool(_DATE.fullmatch(cell))


def _plain(cell: str, decimal: Decimal, thousands: Thousands | None) -> str:
    ungrouped = cell if thousands is None else cell.strip().replace(thousands, "")
    return ungrouped.replace(decimal, ".")


@cache
def _number(decimal: Decimal, thousands: Thousands | None) -> re.Pattern[str]:
    whole = r"\d+" if thousands is None else rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    mark = re.escape(decimal)
    return re.compile(rf"\s*[+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+){_EXPONENT}\s*", re.ASCII)
