"""Results: one JSON object, a table or lines on stdout, or files in a folder."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from dltk.cli.tables import aligned, fitting_widths
from dltk.config.errors import OutputError
from dltk.config.strict_json import finite
from dltk.config.terminal import escaped

PIPE_WIDTH = 200
MAX_ALIGNED = 2048
"""So many rows of a table are laid out together."""


def print_json(value: Mapping[str, Any]) -> None:
    """Print one strict JSON object on one line; numbers that are not finite are null."""
    sys.stdout.write(json.dumps(finite(value), ensure_ascii=False, allow_nan=False) + "\n")


def print_lines(lines: Sequence[str]) -> None:
    """Print lines."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_table(rows: Iterable[Mapping[str, Any]], unbroken: Sequence[str] = ()) -> None:
    """Print rows, fitted to the terminal or wide in a pipe; the columns named in `unbroken` are never folded.

    Very many rows need not fit in memory: columns are as wide as those need that are printed together, and the header
    stands again only where there are other columns. Without a row there are no columns, and nothing is printed.
    """
    rows, known = iter(rows), list[str]()
    while some := list(islice(rows, MAX_ALIGNED)):
        columns = columns_of(some)
        header = [escaped(column) for column in columns]
        cells = [[_cell(row.get(column, "")) for column in columns] for row in some]
        kept = [i for i, column in enumerate(columns) if column in unbroken]
        widths = fitting_widths([header, *cells], available_width(), kept)
        if columns != known:
            first, *rest = aligned([header], widths)
            print_lines([f"\x1b[1m{first}\x1b[0m" if _is_styled() else first, *rest])
            known = columns
        print_lines(aligned(cells, widths))


def _is_styled() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def available_width() -> int:
    """Return how many characters fit beside each other: those of the terminal, or many in a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def first_line(text: str | None) -> str:
    """Return the first line of a help text, which is one sentence."""
    return (text or "").strip().partition("\n")[0]


def make_folder(path: Path) -> None:
    """Create a folder for results, unless it is there.

    Raises:
        OutputError: It cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot create the folder: {error.strerror}", where=str(path.absolute())) from None


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return all keys of all rows, in order of appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def _cell(value: Any) -> str:
    """Spell a value for a terminal: numbers short, control characters escaped."""
    return f"{value:.4g}" if isinstance(value, float) else escaped(str(value))
