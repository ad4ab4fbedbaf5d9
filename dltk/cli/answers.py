"""Results on stdout: one JSON object, a table, or lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from dltk.config.errors import escaped
from dltk.training.saving.durable import finite

PIPE_WIDTH = 200


def print_json(value: Mapping[str, Any]) -> None:
    """Print one strict JSON object on one line; numbers that are not finite are null."""
    sys.stdout.write(json.dumps(finite(value), ensure_ascii=False, allow_nan=False) + "\n")


def print_lines(lines: Sequence[str]) -> None:
    """Print lines."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_table(rows: Sequence[Mapping[str, Any]], unbroken: Sequence[str] = ()) -> None:
    """Print rows, fitted to the terminal or wide in a pipe; the columns named in `unbroken` are never folded."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns_of(rows):
        table.add_column(Text(escaped(column)), overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column, ""))) for column in columns_of(rows)))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as capture:
        console.print(table)
    print_lines([line.rstrip() for line in capture.get().splitlines()])


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return all keys of all rows, in order of appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def _cell(value: Any) -> str:
    """Spell a value for a terminal: numbers short, control characters escaped."""
    return f"{value:.4g}" if isinstance(value, float) else escaped(str(value))
