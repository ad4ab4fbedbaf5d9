"""Reading a user's CSV file strictly: every cell as text, nothing guessed silently, every fault with its line."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from dltk.config.errors import DataError, MissingInput, at_most_shown, shown
from dltk.data.tables.rows import Row, quoted_rows, refuse_ragged, without_blank_lines
from dltk.data.texts.files import STANDARD_INPUT, NotText, decode, guessed_encoding, place_of, read_bytes

DEFAULT_MISSING = ("?", "NA", "NaN", "nan")
SEPARATORS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 30
_WITH_POINT = re.compile(r"\s*[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_WITH_COMMA = re.compile(r"\s*[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_PROPER_CELL = 'a cell with the separator, quotes or a line break in "...", its own quotes doubled'
_RAGGED = 'put cells that contain the separator in "..."; another separator is set with separator:'


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written.

    Attributes:
        separator: Between cells; None finds it among comma, semicolon, tab and bar.
        header: Whether the first row names the columns.
        column_names: What columns are called where there is no header; default c0, c1, ...
        optional: Of `column_names`, those that a file may be without, all together.
        decimal: What stands between whole and part in a number; numbers come out with a point.
        encoding: A Python codec; utf-8 may begin with a byte order mark.
        missing: Cells that mean "no value", beside empty ones.
        id: The column that names rows, where there is one.
    """

    separator: str | None = None
    header: bool = True
    column_names: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    missing: tuple[str, ...] = DEFAULT_MISSING
    id: str | None = None


@dataclass(frozen=True)
class CsvTable:
    """A table as it stands in a file.

    Attributes:
        frame: Text without outer spaces; None where a value is missing.
        notes: What was decided while reading, for the user.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


def read_csv(path: str, written: CsvFormat) -> CsvTable:
    """Read a CSV file, a gzipped one (.gz) or, for "-", standard input.

    Raises:
        MissingInput: There is no such file.
        DataError: Not text in this encoding, broken quotes, rows of unequal width, equal column names, or no rows.
        OptionError: There is no such encoding.
    """
    where = place_of(path)

    def at(line: int) -> str:
        return f"{where}, line {line}"

    text = _text(path, written.encoding, at)
    separator = written.separator or _sniffed(text, [mark for mark in SEPARATORS if mark != written.decimal])
    rows = without_blank_lines(list(quoted_rows(text, separator, at=at, expected=_PROPER_CELL)), _is_blank)
    if not rows:
        raise DataError("the table is empty", where=where)
    names = _names(rows[0][1], where, written)
    body = rows[1:] if written.header else rows
    if not body:
        raise DataError("the table has a header but no rows", where=where)
    refuse_ragged(body, len(names), separator, where=where, do=_RAGGED)
    if written.decimal == ",":
        body = _with_points(body, names, at)
    notes = _notes(rows[0][1], where, separator=separator, written=written)
    columns = zip(*(cells for _, cells in body), strict=True)
    missing = {"", *map(str.strip, written.missing)}
    data = {
        name: [None if cell in missing else cell for cell in map(str.strip, column)]
        for name, column in zip(names, columns, strict=True)
    }
    return CsvTable(pd.DataFrame(data, dtype=object), notes)


def _text(path: str, encoding: str, at: Callable[[int], str]) -> str:
    if path != STANDARD_INPUT and Path(path).is_dir():
        raise MissingInput("this is a folder, not a CSV file", where=str(Path(path).absolute()))
    content = read_bytes(path)
    try:
        text = decode(content, encoding)
    except NotText as fault:
        do = f"if it is {fault.guess}, set encoding: {fault.guess}"
        raise DataError(f"the file is not {encoding} text", where=at(fault.line), found=fault.found, do=do) from None
    if "\0" in text:
        guess = guessed_encoding(content)
        do = f"if it is {guess}, set encoding: {guess}" if guess.startswith("utf-16") else ""
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError("the file is no CSV text", where=at(line), found="a NUL character", do=do)
    return text


def _is_blank(cells: list[str]) -> bool:
    return len(cells) <= 1 and not any(map(str.strip, cells))


def _sniffed(text: str, separators: Sequence[str]) -> str:
    """Choose the separator that cuts the first rows into most cells, alike in every row if any does."""

    def fitness(separator: str) -> tuple[bool, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        try:
            widths = [len(row) for row in islice(reader, _SNIFFED_ROWS) if row]
        except csv.Error:
            return (False, 0)
        width = widths[0] if widths else 1
        return (width > 1 and len(set(widths)) == 1, width)

    return max(separators, key=fitness)


def _with_points(rows: Sequence[Row], names: Sequence[str], at: Callable[[int], str]) -> list[Row]:
    """Return rows whose numbers are written with a point instead of a comma; a point in a number is ambiguous."""
    pointed = [
        f"{at(line)}, column {shown(name)}: {shown(cell)}"
        for line, cells in rows
        for name, cell in zip(names, cells, strict=True)
        if _WITH_POINT.fullmatch(cell)
    ]
    if pointed:
        raise DataError(
            f"{len(pointed)} cells have a point in a number, though decimal is a comma",
            found=at_most_shown(pointed),
            do="take out points between thousands; or set decimal: . if the point is what it looks like",
        )
    return [
        (line, [cell.replace(",", ".") if _WITH_COMMA.fullmatch(cell) else cell for cell in cells])
        for line, cells in rows
    ]


def _given_names(width: int, where: str, written: CsvFormat) -> list[str]:
    full = list(written.column_names) or [f"c{i}" for i in range(width)]
    for names in (full, [name for name in full if name not in written.optional]):
        if len(names) == width:
            return names
    raise DataError(
        "the first row does not have as many cells as column_names has names",
        where=where,
        found=f"{width} cells",
        expected=f"{len(full)}: {at_most_shown(full)}",
    )


def _names(first: list[str], where: str, written: CsvFormat) -> list[str]:
    if not written.header:
        return _given_names(len(first), where, written)
    names = [name.strip() or f"c{i}" for i, name in enumerate(first)]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(
            "several columns have the same name",
            where=where,
            found=at_most_shown([shown(name) for name in repeated]),
            do="rename them; or set header: false if the first row is data",
        )
    return names


def _notes(first: list[str], where: str, *, separator: str, written: CsvFormat) -> tuple[str, ...]:
    notes, file = [], Path(where).name
    if written.separator is None and separator != ",":
        notes.append(f"{file}: cells are separated by {shown(separator)}")
    if not written.header:
        return tuple(notes)
    unnamed = [f"c{i}" for i, name in enumerate(first) if not name.strip()]
    if unnamed:
        notes.append(f"{file}: columns without a name are called {', '.join(unnamed)}; drop them if they number rows")
    if all(name.strip().replace(".", "", 1).lstrip("+-").isdecimal() for name in first):
        notes.append(f"{file}: all column names are numbers; set header: false if the first row is data")
    return tuple(notes)
