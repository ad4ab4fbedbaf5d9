"""Answers as files, written some at a time: they need not fit in memory."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from dltk.config.errors import WriteError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MAX_BYTES_HELD = 1 << 24
_ROWS_AT_A_TIME = 4096


def write_answers(output: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows to a .jsonl or .csv file, which appears whole or not at all.

    Raises:
        WriteError: The disk is full or failed; an older file is as it was.
    """
    from dltk.training.saving.durable import write_bytes

    with tempfile.SpooledTemporaryFile(
        MAX_BYTES_HELD, "w+", encoding="utf-8", errors="surrogatepass", newline="", dir=str(output.parent)
    ) as spool:
        lines = _json_lines(rows) if output.suffix == ".jsonl" else _csv_lines(rows, spool)
        write_bytes(output, _joined(lines))


def print_with_rows(rows: Iterable[Mapping[str, Any]], told: Callable[[], Mapping[str, Any]]) -> None:
    """Print one strict JSON object on one line, as `print_json` does; its rows need not fit in memory.

    Nothing is printed before the last row is known: a failure on the way is all that is told.

    Args:
        rows: They stand where the object has an empty list of `rows`.
        told: Returns the object, once all rows were met.

    Raises:
        WriteError: The disk on which many rows wait is full or failed.
    """
    from dltk.config.strict_json import finite

    with tempfile.SpooledTemporaryFile(
        MAX_BYTES_HELD, "w+", encoding="utf-8", errors="surrogatepass", newline=""
    ) as spool:
        between = ""
        for line in _json_lines(rows):
            _set_aside(spool, between + line.rstrip("\n"))
            between = ", "
        spool.seek(0)
        begin, rows_of, end = json.dumps(finite(told()), ensure_ascii=False, allow_nan=False).partition('"rows": [')
        sys.stdout.write(begin + rows_of)
        shutil.copyfileobj(spool, sys.stdout)
        sys.stdout.write(f"{end}\n")


def _set_aside(spool: IO[str], text: str) -> None:
    try:
        spool.write(text)
    except OSError as error:
        raise WriteError(f"cannot set answers aside: {error.strerror}", where=tempfile.gettempdir()) from None


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    while some := "".join(islice(lines, _ROWS_AT_A_TIME)):
        yield some.encode(errors="backslashreplace")


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    from dltk.config.strict_json import finite

    for row in rows:
        yield json.dumps(finite(row), ensure_ascii=False, allow_nan=False) + "\n"


def _csv_lines(rows: Iterable[Mapping[str, Any]], spool: IO[str]) -> Iterator[str]:
    """Yield a header and the rows; these wait elsewhere until the last one tells which columns there are."""
    from dltk.data.tables.rows import cells_of_any_length

    columns: dict[str, None] = {}
    waiting = csv.writer(spool, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in rows:
        if not row.keys() <= columns.keys():
            columns |= dict.fromkeys(row)
        waiting.writerow([_inert(row.get(column, "")) for column in columns])
    spool.seek(0)
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(columns)
    with cells_of_any_length():
        for cells in csv.reader(spool):
            yield _taken(line)
            writer.writerow(cells + [""] * (len(columns) - len(cells)))
    yield _taken(line)


def _taken(line: io.StringIO) -> str:
    """Return what was written, and begin anew."""
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _inert(value: Any) -> Any:
    """Spell lists as JSON, and put an apostrophe before text that a spreadsheet would run as a formula."""
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False)
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _is_number(value)
    return f"'{value}" if is_formula else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
