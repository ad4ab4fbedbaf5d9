"""A table that is looked at before it is read, as `describe` and `read` of a data set do: parsed once for both."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dltk.data.disk.choosing import asked_storage
from dltk.data.tables.csv_files import CsvTable, read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.texts.files import STANDARD_INPUT


class _Asked(NamedTuple):
    """A file as it was, and how it is read."""

    path: str
    written: CsvFormat
    storage: str
    size: int
    changed_at: int


_looked_at: dict[_Asked, CsvTable] = {}
"""At most one table, until it is read."""


def look_at(path: str, written: CsvFormat) -> CsvTable:
    """Return what `read_csv` does, and keep it for who reads the same file next; raise as that does."""
    table = read_once(path, written)
    _looked_at.clear()
    asked = _asked(path, written)
    if asked is not None:
        _looked_at[asked] = table
    return table


def read_once(path: str, written: CsvFormat) -> CsvTable:
    """Return what `read_csv` does, parsed before or now, of which nothing is kept any longer; raise as that does."""
    asked = _asked(path, written)
    found = None if asked is None else _looked_at.pop(asked, None)
    return found or read_csv(path, written)


def _asked(path: str, written: CsvFormat) -> _Asked | None:
    """Return what tells the file's contents from others, None where only reading does."""
    if path == STANDARD_INPUT:
        return None
    try:
        facts = Path(path).stat()
    except OSError:
        return None
    return _Asked(path, written, asked_storage(), facts.st_size, facts.st_mtime_ns)
