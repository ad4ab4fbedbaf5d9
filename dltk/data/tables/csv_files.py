"""Reading a user's CSV file strictly: every cell as text, nothing guessed silently, every fault with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pandas as pd

from dltk.config.errors import DataError, MissingInput, at_most_shown, count_of, shown
from dltk.config.problems import Problem
from dltk.data.places import Places, Sheet
from dltk.data.tables.headers import default_names, is_number_name
from dltk.data.tables.rows import Row, quoted_rows, refuse_ragged, without_blank_lines
from dltk.data.tables.spelling import Decimal, Thousands, misplaced_point, with_point
from dltk.data.texts.files import (
    STANDARD_INPUT,
    Decoded,
    Encoding,
    NotText,
    decode,
    encoding_notes,
    guessed_encoding,
    place_of,
    read_bytes,
    spelled,
)

DEFAULT_MISSING = ("?", "NA", "NaN", "nan")
SEPARATORS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 30
_PROPER_CELL = 'a cell with the separator, quotes or a line break in "...", its own quotes doubled'
_RAGGED = 'put cells that contain the separator in "..."; another separator is set with separator:'
_COMMA_IS_DECIMAL = (
    'decimal: "," leaves semicolon, tab and bar as separators, and a comma only where numbers with one are in "..."; '
)


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


@dataclass(frozen=True)
class CsvTable:
    """A table as it stands in a file.

    Attributes:
        frame: Text without outer spaces; None where a value is missing.
        notes: What was decided while reading, for the user.
        places: Where the rows stand.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    places: Places


def read_csv(path: str, written: CsvFormat) -> CsvTable:
    """Read a CSV file, a gzipped one (.gz) or, for "-", standard input.

    Raises:
        MissingInput: There is no such file.
        DataError: Not text in this encoding, broken quotes, rows of unequal width, equal column names, or no rows.
        OptionError: There is no such encoding.
    """
    where = place_of(path)
    decoded = _decoded(path, written.encoding)
    separator = written.separator or _sniffed(decoded.text, written.decimal)
    sheet = Sheet.of(where, decoded.text, separator, quoting=True)
    hint = _COMMA_IS_DECIMAL if written.decimal == "," and written.separator is None else ""
    do = f"{hint}set separator:" if hint else ""
    rows = list(quoted_rows(sheet, expected=_PROPER_CELL, do=do))
    rows = without_blank_lines(rows, _is_blank)
    if not rows:
        raise DataError("the table is empty", where=where)
    names = _names(rows[0], sheet, written)
    sheet = replace(sheet, columns=names)
    body = rows[1:] if written.header else rows
    if not body:
        raise DataError("the table has a header but no rows", where=where)
    refuse_ragged(sheet, body, len(names), do=f"{hint}{_RAGGED}")
    if written.decimal == "," or written.thousands is not None:
        body = _with_points(body, sheet, written)
    notes = encoding_notes(path, [decoded]) + _notes(rows[0][1], where, separator=separator, written=written)
    columns = [list(map(str.strip, column)) for column in zip(*(cells for _, cells in body), strict=True)]
    if written.missing == DEFAULT_MISSING:
        notes += _missing_words(dict(zip(names, columns, strict=True)), where)
    missing = {"", *map(str.strip, written.missing)}
    data = {
        name: [None if cell in missing else cell for cell in column]
        for name, column in zip(names, columns, strict=True)
    }
    places = Places.of(sheet, [line for line, _ in body])
    return CsvTable(pd.DataFrame(data, dtype=object), notes, places)


def _decoded(path: str, encoding: Encoding) -> Decoded:
    if path != STANDARD_INPUT and Path(path).is_dir():
        raise MissingInput("this is a folder, not a CSV file", where=str(Path(path).absolute()))
    content = read_bytes(path)
    try:
        decoded = decode(content, encoding)
    except NotText as fault:
        message = f"the file is not {spelled(encoding)} text"
        raise DataError(message, do=fault.do, problems=[fault.problem(path, encoding)]) from None
    if "\0" in decoded.text:
        guess = guessed_encoding(content)
        do = f"if it is {guess}, set encoding: {guess}" if guess.startswith("utf-16") else ""
        before = decoded.text[: decoded.text.index("\0")]
        start = Sheet.of(place_of(path), decoded.text).line(before.count("\n") + 1)
        place = replace(start, column=len(before.rpartition("\n")[2]) + 1)
        nul = Problem((), "a NUL character, which no text has", place, id="DLTK-DATA-ENCODING")
        raise DataError("the file is no CSV text", do=do, problems=[nul])
    return decoded


def _is_blank(cells: list[str]) -> bool:
    return len(cells) <= 1 and not any(map(str.strip, cells))


def _sniffed(text: str, decimal: Decimal) -> str:
    """Choose the separator that cuts the first rows into most cells, alike in every row if any does.

    Where the comma is in numbers, it separates only if nothing else does and some numbers are quoted for it.
    """

    def first_rows(separator: str) -> list[list[str]]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        try:
            return [row for row in islice(reader, _SNIFFED_ROWS) if row]
        except csv.Error:
            return []

    def fitness(separator: str) -> tuple[bool, int]:
        widths = [len(row) for row in first_rows(separator)] or [1]
        return (widths[0] > 1 and len(set(widths)) == 1, widths[0])

    best = max([mark for mark in SEPARATORS if mark != decimal], key=fitness)
    if decimal == "," and not fitness(best)[0] and fitness(",")[0]:
        quoted = any("," in cell for row in first_rows(",") for cell in row)
        return "," if quoted else best
    return best


def _with_points(rows: Sequence[Row], sheet: Sheet, written: CsvFormat) -> list[Row]:
    """Return rows whose numbers are written with a point alone; another point in a number is ambiguous."""
    decimal, thousands = written.decimal, written.thousands
    pointed = [
        Problem((name,), "a point in a number", sheet.named(line, name), id="DLTK-DATA-CELL", found=shown(cell))
        for line, cells in rows
        for name, cell in zip(sheet.columns, cells, strict=True)
        if misplaced_point(cell, decimal, thousands)
    ]
    if pointed:
        raise DataError(
            f"{count_of(len(pointed), 'cell')} with a point in a number, though decimal is a comma",
            problems=pointed,
            do='set thousands: "." if it stands between thousands; or decimal: . if it is what it looks like',
        )
    return [(line, [with_point(cell, decimal, thousands) for cell in cells]) for line, cells in rows]


def _given_names(width: int, where: str, written: CsvFormat) -> list[str]:
    full = list(written.column_names) or default_names(width)
    for names in (full, [name for name in full if name not in written.optional]):
        if len(names) == width:
            return names
    raise DataError(
        "the first row does not have as many cells as column_names has names",
        where=where,
        found=count_of(width, "cell"),
        expected=f"{len(full)}: {at_most_shown(full)}",
    )


def _names(row: Row, sheet: Sheet, written: CsvFormat) -> list[str]:
    line, first = row
    if not written.header:
        return _given_names(len(first), sheet.source, written)
    names = [name.strip() or f"c{i}" for i, name in enumerate(first)]
    repeated = [
        Problem((name,), "this column stands twice", sheet.cell(line, i), id="DLTK-DATA-COLUMN")
        for i, name in enumerate(names)
        if name in names[:i]
    ]
    if repeated:
        raise DataError(
            "several columns have the same name",
            problems=repeated,
            do="rename them; or set header: false if the first row is data",
        )
    return names


def _missing_words(columns: Mapping[str, Sequence[str]], where: str) -> tuple[str, ...]:
    """Say which columns of words have words that mean "no value" by default: one may be a name, as of Namibia."""
    found = []
    for name, cells in columns.items():
        words = [cell for cell in cells if cell in DEFAULT_MISSING and cell.isalpha()]
        if words and not all(cell in {"", *DEFAULT_MISSING} or is_number_name(cell) for cell in cells):
            found.append(f"{count_of(len(words), 'cell')} {shown(words[0])} in column {name}")
    if not found:
        return ()
    what = f"{at_most_shown(found)}: read as missing; where that is a category, set missing: []"
    return (f"{Path(where).name}: {what}",)


def _notes(first: list[str], where: str, *, separator: str, written: CsvFormat) -> tuple[str, ...]:
    notes, file = [], Path(where).name
    if written.separator is None and separator != ",":
        notes.append(f"{file}: cells are separated by {shown(separator)}")
    if not written.header:
        return tuple(notes)
    unnamed = [f"c{i}" for i, name in enumerate(first) if not name.strip()]
    if unnamed:
        notes.append(f"{file}: columns without a name are called {', '.join(unnamed)}; drop them if they number rows")
    if all(map(is_number_name, first)):
        notes.append(f"{file}: all column names are numbers; set header: false if the first row is data")
    return tuple(notes)
