"""Where the cells of a table stand in its file, found only when something is wrong with one."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dltk.config.problems import Position, Problem, ProblemId
from dltk.config.terminal import short

_PART = 1 << 20


class Text(Protocol):
    """A text that is not in memory."""

    def lines(self, newline: str | None) -> Iterator[str]:
        """Yield the lines with their ends; `newline` is that of `open`."""


@dataclass(frozen=True)
class Sheet:
    """The text of one table, or of a list with one value per line.

    Attributes:
        source: What messages call it.
        text: With any line ends; or where to read it.
        separator: Between cells.
        columns: Their names.
        quoting: Whether a cell may stand in "..." to hold separators and line breaks.
    """

    source: str
    text: str | Text
    separator: str = ""
    columns: Sequence[str] = ()
    quoting: bool = False

    @classmethod
    def of(cls, file: str, text: str | Text, separator: str = "", *, quoting: bool = False) -> Sheet:
        """Return the text of a file, which messages call by its shortest path."""
        return cls(short(Path(file)), text, separator, quoting=quoting)

    def line(self, number: int) -> Position:
        """Return the beginning of a line, counted from 1."""
        return Position(self.source, number, 1, next(self._starting_at(number), ""))

    def cell(self, number: int, index: int) -> Position:
        """Return where a cell, counted from 0, begins of the row that begins in a line; or the end of the row."""
        is_quoted, may_begin, begins_quoted = False, True, False
        for row, line in enumerate(self._starting_at(number), start=number):
            for place, character in enumerate(line):
                if may_begin and not is_quoted and character != " " and index == 0:
                    return Position(self.source, row, place + 1, line)
                if self.quoting and character == '"' and (may_begin or begins_quoted):
                    is_quoted, begins_quoted = not is_quoted, True
                ends = character == self.separator and not is_quoted
                index, begins_quoted = index - ends, begins_quoted and not ends
                may_begin = ends or (may_begin and character == " ")
            if not is_quoted:
                return Position(self.source, row, len(line) + 1, line)
        return self.line(number)

    def named(self, number: int, column: str) -> Position:
        """Return where the cell of a column begins, of the row that begins in a line."""
        return self.cell(number, self.columns.index(column)) if column in self.columns else self.line(number)

    def stream(self) -> Iterator[str]:
        """Yield the lines with their ends, whatever these are, from the first one."""
        return _lines_of(self.text) if isinstance(self.text, str) else self.text.lines("")

    def plain(self) -> Iterator[str]:
        """Yield the lines, cut at line feeds, without their ends; what follows the last one counts unless empty."""
        lines = io.StringIO(self.text, newline="\n") if isinstance(self.text, str) else self.text.lines("\n")
        return map(_without_end, lines)

    def _starting_at(self, number: int) -> Iterator[str]:
        """Yield the lines without their ends, from one on."""
        if isinstance(self.text, str):
            return islice(self._lines, number - 1, None)
        return self._reading.starting_at(number)

    @cached_property
    def _lines(self) -> list[str]:
        assert isinstance(self.text, str)
        text = self.text.replace("\r\n", "\n")
        return (text.replace("\r", "\n") if self.quoting else text).split("\n")

    @cached_property
    def _reading(self) -> _Reading:
        assert not isinstance(self.text, str)
        return _Reading(self.text, None if self.quoting else "\n")


class _Reading:
    """Lines of a text that is not in memory: who asks for later and later ones reads it once."""

    def __init__(self, text: Text, newline: str | None) -> None:
        self._text, self._newline = text, newline
        self._lines, self._next = text.lines(newline), 1

    def starting_at(self, number: int) -> Iterator[str]:
        """Yield the lines without their ends, from one on."""
        if number < self._next:
            self._lines, self._next = self._text.lines(self._newline), 1
        for line in self._lines:
            self._next += 1
            if self._next > number:
                yield _without_end(line)


def _lines_of(text: str) -> Iterator[str]:
    """Yield lines with their ends: of a part at a time, for what StringIO keeps takes four bytes per character."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + _PART) + 1 or len(text)
        yield from io.StringIO(text[begin:end], newline="")
        begin = end


def _without_end(line: str) -> str:
    return line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")


@dataclass(frozen=True)
class Places:
    """Where the rows of some tables stand: which of the sheets, and in which of its lines, each begins."""

    sheets: tuple[Sheet, ...]
    which: NDArray[np.int32]
    lines: NDArray[np.int64]

    @classmethod
    def of(cls, sheet: Sheet, lines: Sequence[int]) -> Places:
        """Return the places of rows of one table."""
        return cls((sheet,), np.zeros(len(lines), dtype=np.int32), np.asarray(lines, dtype=np.int64))

    def __add__(self, other: Places) -> Places:
        which = np.concatenate([self.which, other.which + len(self.sheets)])
        return Places(self.sheets + other.sheets, which, np.concatenate([self.lines, other.lines]))

    def take(self, indices: Tensor) -> Places:
        """Return those of these rows only, in this order."""
        chosen = indices.numpy()
        return replace(self, which=self.which[chosen], lines=self.lines[chosen])

    def cell(self, row: int, column: str) -> Position:
        """Return where a cell stands."""
        return self.sheets[int(self.which[row])].named(int(self.lines[row]), column)


class CellPlaces(Protocol):
    """Where the cells of some rows stand."""

    def take(self, indices: Tensor) -> CellPlaces:
        """Return those of these rows only, in this order."""

    def cell(self, row: int, column: str) -> Position:
        """Return where a cell stands."""


class Rows(Protocol):
    """Rows as the user calls them, and where they stand, if that is known."""

    @property
    def names(self) -> Sequence[str]:
        """What each is called."""

    @property
    def places(self) -> CellPlaces | None:
        """Where they stand."""


def cell_problem(rows: Rows, row: int, column: str, said: str, kind: ProblemId, *, found: str = "") -> Problem:
    """Return a problem of one cell: at its place, or else with the name of its row."""
    if rows.places is None:
        return Problem((column,), f"{rows.names[row]}: {said}", id=kind, found=found)
    return Problem((column,), said, rows.places.cell(row, column), id=kind, found=found)
