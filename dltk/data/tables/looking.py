"""A user's own table as text, and how it must be read to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import DltkError
from dltk.data.packed.cells import PackedCells, PackedTable, is_on_disk
from dltk.data.tables.csv_files import CsvTable, read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.headers import is_number_name
from dltk.data.tables.numbers import absent, number
from dltk.data.tables.spelling import Decimal, Thousands, comma_hint
from dltk.data.texts.files import first_bytes, guessed_encoding

MAX_ROWS_ON_DISK = 100_000
"""So many rows of a table that does not fit in memory are looked at."""
ENDINGS = (".csv", ".tsv", ".tab", ".data", ".txt", ".dat")


@dataclass(frozen=True)
class LookedAt:
    """A table as text, and how it must be read to be one.

    Attributes:
        columns: Cells by column of the rows that are looked at; None where a value is missing.
        rows: Which these are, counted from 0: all, or where they do not fit in memory, many spread over the file.
        whole: The cells of all rows.
        options: Of the data set csv that differ from the defaults, such as the separator of numbers.
        why: What to say of these options.
        has_header: Whether its first row names the columns.
    """

    columns: Mapping[str, list[str | None]]
    rows: Sequence[int]
    whole: PackedTable
    options: Mapping[str, Any]
    why: Mapping[str, str]
    has_header: bool

    def known(self, name: str) -> PackedCells:
        """Return the cells of a column that are not missing, in all rows."""
        cells = self.whole[name]
        return cells.take(torch.from_numpy(np.flatnonzero(~absent(cells))))

    @property
    def note(self) -> str:
        """What to say where only some rows are looked at."""
        is_part = len(self.rows) < len(self.whole)
        return f"columns were judged by {len(self.rows):,} rows, spread over the file" if is_part else ""


def look_at(path: Path) -> LookedAt | None:
    """Read a file as a table, finding out how; None where it is none.

    Raises:
        DataError: It is called like a table, and cannot be read as one.
    """
    name = path.name.removesuffix(".gz")
    if not path.is_file() or not name.lower().endswith(ENDINGS):
        return None
    written = CsvFormat()
    options: dict[str, Any] = {}
    why: dict[str, str] = {}
    encoding = guessed_encoding(first_bytes(path))
    if encoding != "utf-8":
        written = CsvFormat(encoding=encoding)
        options["encoding"], why["encoding"] = encoding, "a guess from its bytes"
    try:
        table, has_header = _read(path, written)
    except DltkError:
        if name.lower().endswith((".csv", ".tsv")):
            raise
        return None
    if not has_header:
        options["header"], why["header"] = False, "the first row looks like data; columns are called c0, c1, ..."
    rows = _rows(table)
    columns = _columns(table, rows)
    if len(columns) < 2:
        return None
    mark = _marks(columns)
    if mark:
        options |= mark
        table = read_csv(str(path), CsvFormat(encoding=encoding, header=has_header, **_as_written(mark)))
        columns = _columns(table, rows)
        why |= dict.fromkeys(mark, "as its numbers are written")
    return LookedAt(columns, rows.tolist(), table.frame, options, why, has_header)


def _rows(table: CsvTable) -> Tensor:
    """Return the rows to look at: all, or of a table on disk some, alike far from each other."""
    count = len(table.frame)
    num_rows = min(MAX_ROWS_ON_DISK, count) if is_on_disk(table.frame) else count
    return torch.arange(num_rows) * count // num_rows


def _columns(table: CsvTable, rows: Tensor) -> dict[str, list[str | None]]:
    some = table.frame.take(rows)
    return {name: list(some[name]) for name in some.columns}


def _read(path: Path, written: CsvFormat) -> tuple[CsvTable, bool]:
    """Return a table, and whether its first row names the columns: names are text, different, and no numbers."""
    try:
        table = read_csv(str(path), written)
    except DltkError:
        return read_csv(str(path), CsvFormat(encoding=written.encoding, header=False)), False
    if any(is_number_name(str(name)) for name in table.frame.columns):
        return read_csv(str(path), CsvFormat(encoding=written.encoding, header=False)), False
    return table, True


def _marks(columns: Mapping[str, list[str | None]]) -> dict[str, str]:
    """Return the options for numbers that are written with commas, where a column's all are."""
    for cells in columns.values():
        texts = [cell for cell in cells if cell is not None and number(cell) != number(cell)]
        hint = comma_hint(texts)
        if hint:
            return {"thousands": ","} if "thousands" in hint else {"decimal": ","}
    return {}


def _as_written(marks: Mapping[str, str]) -> dict[str, Any]:
    decimal: Decimal = "," if "decimal" in marks else "."
    thousands: Thousands | None = "," if "thousands" in marks else None
    return {"decimal": decimal, "thousands": thousands}
