"""How a CSV file is written, as far as that is not found out from the file itself."""

from __future__ import annotations

from dataclasses import dataclass

from dltk.data.tables.spelling import Decimal, Thousands
from dltk.data.texts.files import Encoding

DEFAULT_MISSING = ("?", "NA", "NaN", "nan")


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written.

    Attributes:
        separator: Between cells; None finds it among comma, semicolon, tab and bar.
        header: Whether the first row names the columns.
        column_names: What columns are called where there is no header; default c0, c1, ...
        optional: Of `column_names`, those that a file may be without, all together.
        decimal: What stands between whole and part in a number; numbers come out with a point.
        thousands: What stands between groups of three digits; numbers come out without it. None: nothing does.
        encoding: Of the text.
        missing: Cells that mean "no value", beside empty ones.
        id: The column that names rows, where there is one.
        stripped: Columns with the characters that are cut off both ends of their cells.
    """

    separator: str | None = None
    header: bool = True
    column_names: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    decimal: Decimal = "."
    thousands: Thousands | None = None
    encoding: Encoding = "utf-8"
    missing: tuple[str, ...] = DEFAULT_MISSING
    id: str | None = None
    stripped: tuple[tuple[str, str], ...] = ()
