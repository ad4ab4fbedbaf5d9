"""The rows of a CSV text below its header, some at a time, as columns of cells that are cut and spelled alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from dltk.config.errors import DataError, count_of, shown
from dltk.config.problems import Problem
from dltk.data.places import Sheet
from dltk.data.tables.csv_format import DEFAULT_MISSING, CsvFormat
from dltk.data.tables.decimals import Decimals
from dltk.data.tables.rows import ROWS_AT_A_TIME, Row, ragged_rows
from dltk.data.tables.spelling import Decimal, Thousands, misplaced_point, with_point

_WORDS = frozenset(filter(str.isalpha, DEFAULT_MISSING))


@dataclass
class CsvBody:
    """Rows that are read once; what is wrong with any is told when all were seen.

    Attributes:
        sheet: Where they stand, with the names of the columns.
        rows: Without blank lines and header.
        written: How they are written.
        advice: What to do about rows of unequal width.
        words: By column, how many cells are words that mean "no value" by default, and the first.
    """

    sheet: Sheet
    rows: Iterable[Row]
    written: CsvFormat
    advice: str
    words: dict[str, tuple[int, str]] = field(default_factory=dict)
    _num_rows: int = 0
    _ragged: list[tuple[int, int]] = field(default_factory=list)
    _pointed: list[tuple[int, str, str]] = field(default_factory=list)

    def pieces(self) -> Iterator[tuple[list[int], list[list[str]]]]:
        """Yield the lines in which rows begin, and their cells by column; once a row is wrong, only look for others.

        Raises:
            DataError: Rows have not as many cells as columns, there are none, or numbers have a point out of place.
        """
        rows = iter(self.rows)
        while some := list(islice(rows, ROWS_AT_A_TIME)):
            self._num_rows += len(some)
            width = len(self.sheet.columns)
            self._ragged += [(line, len(cells)) for line, cells in some if len(cells) != width]
            if self._ragged:
                continue
            lines, cut = zip(*some, strict=True)
            columns = [list(map(str.strip, column)) for column in zip(*cut, strict=True)]
            if self.written.decimal == "," or self.written.thousands is not None:
                columns = self._with_points(columns, lines)
            yield list(lines), self._without_missing(columns)
        self._refuse()

    def _without_missing(self, columns: Sequence[list[str]]) -> list[list[str]]:
        found = [self._known(name, column) for name, column in zip(self.sheet.columns, columns, strict=True)]
        for name, marks in self.written.stripped:
            if name in self.sheet.columns:
                place = self.sheet.columns.index(name)
                found[place] = [cell.strip(marks).strip() for cell in found[place]]
        return found

    def _known(self, name: str, column: list[str]) -> list[str]:
        """Return the cells of a column, those that mean "no value" empty."""
        missing = self._missing
        if missing.isdisjoint(column):
            return column
        if self.written.missing == DEFAULT_MISSING and (words := [cell for cell in column if cell in _WORDS]):
            count, first = self.words.get(name, (0, words[0]))
            self.words[name] = count + len(words), first
        return ["" if cell in missing else cell for cell in column]

    @cached_property
    def _missing(self) -> frozenset[str]:
        return frozenset(["", *map(str.strip, self.written.missing)])

    def _with_points(self, columns: Sequence[list[str]], lines: Sequence[int]) -> list[list[str]]:
        """Return columns whose numbers are written with a point alone; another point in a number is ambiguous."""
        decimal, thousands = self.written.decimal, self.written.thousands
        by_line = defaultdict(list)
        for name, column in zip(self.sheet.columns, columns, strict=True):
            if decimal == "," and any("." in cell for cell in column):
                for line, cell in zip(lines, column, strict=True):
                    if misplaced_point(cell, decimal, thousands):
                        by_line[line].append((line, name, cell))
        self._pointed += [found for line in sorted(by_line) for found in by_line[line]]
        return [_with_point(column, decimal, thousands) for column in columns]

    def _refuse(self) -> None:
        if not self._num_rows:
            raise DataError("the table has a header but no rows", where=self.sheet.source)
        if self._ragged:
            raise ragged_rows(self.sheet, self._ragged, self._num_rows, len(self.sheet.columns), do=self.advice)
        if self._pointed:
            problems = [
                Problem(
                    (name,),
                    "a point in a number",
                    self.sheet.named(line, name),
                    id="DLTK-DATA-CELL",
                    found=shown(cell),
                )
                for line, name, cell in self._pointed
            ]
            raise DataError(
                f"{count_of(len(problems), 'cell')} with a point in a number, though decimal is a comma",
                problems=problems,
                do='set thousands: "." if it stands between thousands; or decimal: . if it is what it looks like',
            )


def _with_point(column: list[str], decimal: Decimal, thousands: Thousands | None) -> list[str]:
    """Return the cells of a column with a point alone in numbers; what are no numbers come back as they are."""
    joined = "\0".join(column)
    if (thousands is None or thousands not in joined) and (decimal == "." or decimal not in joined):
        return column
    pointed = joined.replace(",", ".")
    if thousands is None and "." not in joined and Decimals.of(f"\0{pointed}".encode("utf-8", "surrogatepass")):
        return pointed.split("\0")
    return [with_point(cell, decimal, thousands) for cell in column]
