"""Reading a user's CSV file strictly: every cell as text, nothing guessed silently, every fault with its line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from dltk.config.errors import DataError, MissingInput, at_most_shown, count_of, shown
from dltk.config.problems import Problem
from dltk.data.disk.store import WantedBytes, Write, sources_of, stored_bytes
from dltk.data.packed.cells import PackedCells, PackedColumns, PackedTable
from dltk.data.packed.packing import CellWriter, HeldBytes
from dltk.data.places import CellPlaces, Places, Sheet, Text
from dltk.data.tables.csv_body import CsvBody
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.frames import DiskPlaces
from dltk.data.tables.headers import default_names, is_number_name
from dltk.data.tables.rows import Row, quoted_rows, without_blank_lines
from dltk.data.tables.spelling import Decimal
from dltk.data.texts.files import (
    STANDARD_INPUT,
    Decoded,
    Encoding,
    NotText,
    decode,
    encoding_notes,
    first_bytes,
    guessed_encoding,
    place_of,
    read_bytes,
    spelled,
)
from dltk.data.texts.room import belongs_on_disk, of_cells, unpacked_bytes
from dltk.data.texts.streams import FileText, file_text

SEPARATORS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 30
_LINES = "\0lines"
"""What the column of line numbers is called: no column of a file is, for it would be no text."""
_PROPER_CELL = 'a cell with the separator, quotes or a line break in "...", its own quotes doubled'
_RAGGED = 'put cells that contain the separator in "..."; another separator is set with separator:'
_COMMA_IS_DECIMAL = (
    'decimal: "," leaves semicolon, tab and bar as separators, and a comma only where numbers with one are in "..."; '
)


@dataclass(frozen=True)
class CsvTable:
    """A table as it stands in a file.

    Attributes:
        frame: Text without outer spaces; None where a value is missing.
        notes: What was decided while reading, for the user.
        places: Where the rows stand.
    """

    frame: PackedTable
    notes: tuple[str, ...]
    places: CellPlaces


def read_csv(path: str, written: CsvFormat) -> CsvTable:
    """Read a CSV file, a gzipped one (.gz) or, for "-", standard input.

    A file whose cells would take too much memory is read into dltk's cache, once, and stays there.

    Raises:
        MissingInput: There is no such file.
        DataError: Not text in this encoding, broken quotes, rows of unequal width, equal column names, or no rows.
        OptionError: There is no such encoding.
        WriteError: The disk is full or failed.
    """
    if path != STANDARD_INPUT and Path(path).is_dir():
        raise MissingInput("this is a folder, not a CSV file", where=str(Path(path).absolute()))
    if path != STANDARD_INPUT and belongs_on_disk([Path(path)], of_cells):
        return _on_disk(Path(path), written)
    decoded = _decoded(path, written.encoding)
    sheet, first, rows = _begun(path, decoded.text, written)
    body = CsvBody(sheet, rows, written, _advice(written))
    held, lines = HeldBytes(), list[int]()
    writer = CellWriter(held.write)
    for some, cells in body.pieces():
        lines += some
        writer.add(cells)
    table = PackedTable.whole(PackedColumns(held, writer.facts(sheet.columns), held.digest()), sheet.columns)
    notes = encoding_notes(path, [decoded]) + _notes(first, path, separator=sheet.separator, written=written)
    return CsvTable(table, notes + _missing_words(body.words, table, path), Places.of(sheet, lines))


def _on_disk(path: Path, written: CsvFormat) -> CsvTable:
    """Read a file block by block into the store; of what is there already, only that its bytes are intact."""

    def make(write: Write) -> Mapping[str, Any]:
        text = _file_text(path, written.encoding)
        sheet, first, rows = _begun(str(path), text, written)
        body = CsvBody(sheet, rows, written, _advice(written))
        writer = CellWriter(write)
        for lines, cells in body.pieces():
            writer.add([*cells, list(map(str, lines))])
        notes = encoding_notes(str(path), [text]) + _notes(first, str(path), separator=sheet.separator, written=written)
        facts = {"codec": text.codec, "separator": sheet.separator, "notes": notes, "words": body.words}
        return {**facts, "cells": writer.facts([*sheet.columns, _LINES])}

    facts = {"what": "cells of a table", "sources": sources_of([str(path)]), "written": asdict(written)}
    wanted = WantedBytes(facts, unpacked_bytes(path), f"cells of {path.name}")
    file, found = stored_bytes(wanted, make)
    cells = PackedColumns(file, found["cells"], found["sha256"])
    *columns, _ = cells.columns
    table = PackedTable.whole(cells, columns)
    text = FileText(path, found["codec"])
    sheet = replace(Sheet.of(str(path), text, found["separator"], quoting=True), columns=columns)
    notes = *found["notes"], *_missing_words(found["words"], table, str(path))
    return CsvTable(table, notes, DiskPlaces(sheet, PackedCells(cells, _LINES, table.chosen)))


def _begun(path: str, text: str | Text, written: CsvFormat) -> tuple[Sheet, list[str], Iterator[Row]]:
    """Return the sheet with its columns, the first row, and all rows of data."""
    where = place_of(path)
    separator = written.separator or _sniffed(Sheet.of(where, text), written.decimal)
    sheet = Sheet.of(where, text, separator, quoting=True)
    do = f"{_comma_hint(written)}set separator:" if _comma_hint(written) else ""
    rows = without_blank_lines(quoted_rows(sheet, expected=_PROPER_CELL, do=do), _is_blank)
    first = next(rows, None)
    if first is None:
        raise DataError("the table is empty", where=where)
    sheet = replace(sheet, columns=_names(first, sheet, written))
    return sheet, first[1], rows if written.header else chain([first], rows)


def _comma_hint(written: CsvFormat) -> str:
    return _COMMA_IS_DECIMAL if written.decimal == "," and written.separator is None else ""


def _advice(written: CsvFormat) -> str:
    return f"{_comma_hint(written)}{_RAGGED}"


def _decoded(path: str, encoding: Encoding) -> Decoded:
    content = read_bytes(path)
    with _explained(path, encoding):
        decoded = decode(content, encoding)
    if "\0" in decoded.text:
        raise _nul(place_of(path), decoded.text, content)
    return decoded


def _file_text(path: Path, encoding: Encoding) -> FileText:
    with _explained(str(path), encoding):
        text = file_text(path, encoding)
    if text.has_nul:
        raise _nul(str(path), text, first_bytes(path))
    return text


@contextmanager
def _explained(path: str, encoding: Encoding) -> Iterator[None]:
    try:
        yield
    except NotText as fault:
        message = f"the file is not {spelled(encoding)} text"
        raise DataError(message, do=fault.do, problems=[fault.problem(path, encoding)]) from None


def _nul(where: str, text: str | Text, content: bytes) -> DataError:
    guess = guessed_encoding(content)
    do = f"if it is {guess}, set encoding: {guess}" if guess.startswith("utf-16") else ""
    sheet = Sheet.of(where, text)
    number, line = next((number, line) for number, line in enumerate(sheet.stream(), start=1) if "\0" in line)
    place = replace(sheet.line(number), column=line.index("\0") + 1)
    nul = Problem((), "a NUL character, which no text has", place, id="DLTK-DATA-ENCODING")
    return DataError("the file is no CSV text", do=do, problems=[nul])


def _is_blank(cells: list[str]) -> bool:
    return len(cells) <= 1 and not any(map(str.strip, cells))


def _sniffed(sheet: Sheet, decimal: Decimal) -> str:
    """Choose the separator that cuts the first rows into most cells, alike in every row if any does.

    Where the comma is in numbers, it separates only if nothing else does and some numbers are quoted for it.
    """

    def first_rows(separator: str) -> list[list[str]]:
        reader = csv.reader(sheet.stream(), delimiter=separator, skipinitialspace=True)
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


def _missing_words(words: Mapping[str, tuple[int, str]], frame: PackedTable, path: str) -> tuple[str, ...]:
    """Say which columns of words have words that mean "no value" by default: one may be a name, as of Namibia."""
    found = [
        f"{count_of(count, 'cell')} {shown(first)} in column {name}"
        for name, (count, first) in ((name, words[name]) for name in frame.columns if name in words)
        if not all(cell is None or is_number_name(cell) for cell in frame[name])
    ]
    if not found:
        return ()
    what = f"{at_most_shown(found)}: read as missing; where that is a category, set missing: []"
    return (f"{Path(place_of(path)).name}: {what}",)


def _notes(first: list[str], path: str, *, separator: str, written: CsvFormat) -> tuple[str, ...]:
    notes, file = [], Path(place_of(path)).name
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
