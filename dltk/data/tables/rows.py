"""The rows of a table's text: cells between separators, each row with the line it begins in, all of one width."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dltk.config.errors import DataError, at_most_shown, count_of, shown

Row = tuple[int, list[str]]
"""(1-based line where the row begins, cells)."""
_LONGEST_CELL = (1 << 31) - 1


def quoted_rows(
    text: str, separator: str, *, at: Callable[[int], str], expected: str = "", do: str = ""
) -> Iterator[Row]:
    """Yield the rows of a text in which a cell may stand in "..." to hold separators and line breaks.

    Args:
        text: With any line ends.
        separator: One character.
        at: Spells the place of a line for the message.
        expected: What the message says of a proper cell.
        do: What the message advises.

    Raises:
        DataError: Quotes are broken, or a cell is longer than the csv module allows (see `cells_of_any_length`).
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError("a row cannot be read", where=at(line), found=str(error), expected=expected, do=do) from None


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Lift the csv module's limit, which is one for the whole process, and put it back."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def without_blank_lines(rows: Sequence[Row], is_blank: Callable[[list[str]], bool]) -> list[Row]:
    """Leave out blank lines; inside a table of one column, a blank line is a row with an empty cell."""
    filled = [i for i, (_, cells) in enumerate(rows) if not is_blank(cells)]
    if filled and len(rows[filled[0]][1]) == 1:
        return [(line, cells or [""]) for line, cells in rows[filled[0] : filled[-1] + 1]]
    return [rows[i] for i in filled]


def refuse_ragged(rows: Sequence[Row], width: int, separator: str, *, where: str, do: str) -> None:
    """Refuse rows that have not `width` cells; the message lists their lines and advises what to `do`.

    Raises:
        DataError: There are such rows.
    """
    ragged = [f"line {line} has {len(cells)}" for line, cells in rows if len(cells) != width]
    if ragged:
        raise DataError(
            f"{len(ragged)} of {len(rows)} rows do not have as many cells as the first one",
            where=where,
            found=at_most_shown(ragged),
            expected=f"{count_of(width, 'cell')}, separated by {shown(separator)}",
            do=do,
        )
