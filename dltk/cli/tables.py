"""Tables of text that fit a terminal; no package draws them, for the import of one is felt."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

GAP = "  "
NARROWEST = 8
"""To so many characters a column may be folded to make room."""


def table_lines(rows: Sequence[Sequence[str]], width: int, unbroken: Sequence[int] = ()) -> list[str]:
    """Return rows, the first one the header, as lines of their own widths; see `fitting_widths`."""
    return aligned(rows, fitting_widths(rows, width, unbroken))


def fitting_widths(rows: Sequence[Sequence[str]], width: int, unbroken: Sequence[int] = ()) -> list[int]:
    """Return how wide the columns of a table are.

    Args:
        rows: Cells, the header's, too.
        width: Of a line, if the columns that may be folded allow it.
        unbroken: Positions of the columns that are never folded.
    """
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    _make_room(widths, width - len(GAP) * (len(widths) - 1), [i for i in range(len(widths)) if i not in unbroken])
    return widths


def aligned(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Return rows as lines; cells that are too wide are folded below themselves."""
    return [line for row in rows for line in _row_lines(row, widths)]


def cell_width(text: str) -> int:
    """Return how many places a text takes on a terminal: Korean letters take two, accents that follow one none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def folded(text: str, width: int) -> list[str]:
    """Return a text in lines of at most so many places, broken between words, or where a word is too long inside it."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_width(joined) <= width:
            lines[-1] = joined
            continue
        lines += [word] if lines[-1] else []
        lines[-1:] = _pieces(lines[-1] or word, width)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and cell_width(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _make_room(widths: list[int], available: int, foldable: Sequence[int]) -> None:
    """Narrow the widest columns that may be folded, one place at a time, until all fit."""
    while sum(widths) > available and foldable:
        widest = max(foldable, key=lambda i: widths[i])
        if widths[widest] <= NARROWEST:
            return
        widths[widest] -= 1


def _row_lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [
        folded(cell, width) if cell_width(cell) > width else [cell] for cell, width in zip(row, widths, strict=True)
    ]
    height = max(map(len, cells))
    lines = []
    for i in range(height):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        padded = [part + " " * (width - cell_width(part)) for part, width in zip(parts, widths, strict=True)]
        lines.append(GAP.join(padded).rstrip())
    return lines
