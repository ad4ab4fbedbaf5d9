"""The rows of a table's text: cells between separators, each row with the line it begins in, all of one width."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice

from dltk.config.errors import DataError, count_of, shown
from dltk.config.problems import Problem
from dltk.data.places import Sheet

Row = tuple[int, list[str]]
"""(1-based line where the row begins, cells)."""
ROWS_AT_A_TIME = 256
"""So few that their cells stay in the processor's cache while they are cut and looked at."""
_LONGEST_CELL = (1 << 31) - 1
_IN_WORDS = {
    "unexpected end of data": "a quote in it is never closed",
    "expected after": "text goes on behind a closing quote",
    "field limit": "a cell is very long; a quote may be open",
}
"""What the csv module says, and what it means."""


def quoted_rows(sheet: Sheet, *, expected: str = "", do: str = "") -> Iterator[Row]:
    """Yield the rows of a text in which a cell may stand in "..." to hold separators and line breaks.

    Args:
        sheet: With a separator of one character.
        expected: What the message says of a proper cell.
        do: What the message advises.

    Raises:
        DataError: Quotes are broken, or a cell is longer than the csv module allows (see `cells_of_any_length`).
    """
    lines, number = sheet.stream(), 1
    while some := list(islice(lines, ROWS_AT_A_TIME)):
        if _is_plain(some, sheet.separator):
            yield from enumerate((_cut(line, sheet.separator) for line in some), start=number)
            number += len(some)
            continue
        reader = csv.reader(chain(some, lines), delimiter=sheet.separator, skipinitialspace=True, strict=True)
        line = 0
        try:
            while line < len(some) and (cells := next(reader, None)) is not None:
                yield number + line, cells
                line = reader.line_num
        except csv.Error as error:
            said = f"this row cannot be read: {_in_words(error)}"
            problem = Problem((), said, sheet.line(number + line), id="DLTK-DATA-QUOTES")
            raise DataError("a row cannot be read", expected=expected, do=do, problems=[problem]) from None
        number += line


def _is_plain(lines: Sequence[str], separator: str) -> bool:
    """Return whether the csv module, which is slower, would only cut lines at separators."""
    text = "".join(lines)
    starts = ('"', f"{separator} ", "\n ")
    if separator == " " or text.startswith(" ") or any(start in text for start in starts):
        return False
    has_other_ends = "\r" in text and "\r" in text.replace("\r\n", "\n")
    return not has_other_ends and max(map(len, lines)) <= csv.field_size_limit()


def _cut(line: str, separator: str) -> list[str]:
    row = line.rstrip("\r\n")
    return row.split(separator) if row else []


def _in_words(error: csv.Error) -> str:
    return next((words for said, words in _IN_WORDS.items() if said in str(error)), str(error))


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Lift the csv module's limit, which is one for the whole process, and put it back."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def without_blank_lines(rows: Iterable[Row], is_blank: Callable[[list[str]], bool]) -> Iterator[Row]:
    """Leave out blank lines; inside a table of one column, a blank line is a row with an empty cell."""
    width, waiting = 0, list[Row]()
    for row in rows:
        if is_blank(row[1]):
            if width == 1:
                waiting.append((row[0], row[1] or [""]))
            continue
        if waiting:
            yield from waiting
            waiting = []
        width = width or len(row[1])
        yield row


def of_one_width(sheet: Sheet, rows: Iterable[Row], width: int, *, do: str) -> Iterator[Row]:
    """Yield rows of `width` cells; once one has not so many, only look for others.

    Raises:
        DataError: There are such rows; the message lists their lines and advises what to `do`.
    """
    ragged, num_rows = list[tuple[int, int]](), 0
    for line, cells in rows:
        num_rows += 1
        if len(cells) != width:
            ragged.append((line, len(cells)))
        elif not ragged:
            yield line, cells
    if ragged:
        raise ragged_rows(sheet, ragged, num_rows, width, do=do)


def ragged_rows(sheet: Sheet, ragged: Sequence[tuple[int, int]], num_rows: int, width: int, *, do: str) -> DataError:
    """Return the error about rows, given as (line, how many cells), that have not `width` cells."""
    problems = [
        Problem(
            (),
            f"{count_of(count, 'cell')} in this row instead of {width}",
            sheet.cell(line, min(count, width)),
            id="DLTK-DATA-WIDTH",
        )
        for line, count in ragged
    ]
    return DataError(
        f"{len(ragged)} of {num_rows} rows do not have as many cells as the first one",
        expected=f"{count_of(width, 'cell')}, separated by {shown(sheet.separator)}",
        do=do,
        problems=problems,
    )
