"""Rows that are cut and numbers that are read many at a time are those that are read one by one, to the bit."""

import csv
import io
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from dltk.config.errors import DataError
from dltk.data.disk.choosing import Storage, reading_to
from dltk.data.places import Sheet
from dltk.data.tables import rows as rows_module
from dltk.data.tables.csv_files import read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.frames import cells_of
from dltk.data.tables.numbers import absent, is_number_column, number, numbers_of
from dltk.data.tables.rows import quoted_rows
from dltk.data.tables.spelling import misplaced_point, with_point

PLAIN = [
    "0",
    "1",
    "-1",
    "+2",
    "0.1",
    "-0.0",
    "-0",
    "+0",
    "7.",
    ".5",
    "-.25",
    "007",
    "123456789012345",
    "0.30000000000004",
]
HARD = [
    "1234567890123456",
    "0.1234567890123456789",
    "9007199254740993",
    "1e3",
    "-2.5E-7",
    "1e400",
    "-1e400",
    "1e39",
    "5e-324",
]
BROKEN = [
    "-",
    "+",
    ".",
    "+.",
    "1.2.3",
    "1-2",
    "--1",
    "+-1",
    "1+",
    "0x10",
    "1_000",
    "1,5",
    "1,234.5",
    "1 000",
    "1..",
    "٣",
    "\uff11",
    "²",
]
WORDS = [
    "",
    " ",
    "?",
    "NA",
    "nan",
    "NaN",
    "NAN",
    "inf",
    "-Infinity",
    "None",
    "2026-11-28",
    "도시",
    "a b",
    "\u00a05",
    "\t6",
]
CELLS = [*PLAIN, *HARD, *BROKEN, *WORDS]


@pytest.fixture(autouse=True, scope="module")
def few_rows_at_a_time(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "ROWS_AT_A_TIME", 3)
        patch.setenv("DLTK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def one_by_one(text: str, separator: str) -> list[tuple[int, list[str]]] | str:
    """Return the rows as the csv module cuts them, each with the line it begins in; or what it says of them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    found, line = [], 1
    try:
        for cells in reader:
            found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error:
        return f":{line}:"
    return found


PIECES = st.sampled_from(
    ['"', '""', ",", ";", " ", "\n", "\r\n", "\r", "a", "1.5", "도", "\t", "\n\n", '"a,b"', '"x\ny"']
)


@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from([",", ";", "\t", " "]))
@example("a,b\n1,2\n\n3,4\n5,6\n7,8", ",")
@example('a,b\n1,2\n3,4\n5,"6\n7\n8\n9"\n1,2\n3,4\n5,6\n7,"8', ",")
def test_rows_are_those_of_the_csv_module(text, separator):
    try:
        found: Any = list(quoted_rows(Sheet.of("t.csv", text, separator, quoting=True)))
    except DataError as error:
        found = str(error)
    expected = one_by_one(text, separator)
    assert found == expected if isinstance(expected, list) else expected in found


def as_read(cell: str, written: CsvFormat) -> str | None:
    pointed = with_point(cell.strip(), written.decimal, written.thousands)
    return None if pointed in {"", *written.missing} else pointed


def bits(values: Any) -> list[bytes]:
    return [struct.pack("<d", value) for value in values]


def expected_values(cells: list[str | None]) -> list[float]:
    return [math.nan if cell is None else number(cell) for cell in cells]


def quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell


FORMATS = [
    CsvFormat(separator=","),
    CsvFormat(separator=",", missing=("1", "-")),
    CsvFormat(separator=",", decimal=","),
    CsvFormat(separator=",", thousands=","),
    CsvFormat(separator=",", thousands=" "),
]
NUMBERS = st.one_of(
    st.floats(allow_nan=False).map(repr), st.floats(-1e6, 1e6).map(lambda x: f"{x:.4f}"), st.integers().map(str)
)
DECIMALS = st.builds(lambda value, places: f"{value:.{places}f}", st.floats(-1e9, 1e9), st.integers(0, 12))
CELL = st.one_of(st.sampled_from(CELLS), NUMBERS)
NEARLY = st.text("+-.019", max_size=5)
COLUMN = st.one_of(
    st.lists(CELL, min_size=1),
    st.lists(NUMBERS, min_size=1),
    st.lists(st.one_of(DECIMALS, st.sampled_from([*PLAIN, ""])), min_size=1),
    st.lists(st.one_of(DECIMALS, NEARLY), min_size=1, max_size=3),
)


def read(path: Path, column: Sequence[str], written: CsvFormat, storage: Storage) -> Any:
    """Write a table with a column of these cells and read it; return the column."""
    path.write_text("x,y\n" + "".join(f"{quoted(cell)},1\n" for cell in column), newline="")
    with reading_to(storage):
        return cells_of(read_csv(str(path), written).frame, "x")


@pytest.mark.parametrize("storage", ["memory", "disk"])
@given(column=COLUMN, written=st.sampled_from(FORMATS))
@example(column=["1,5", "-2,25", "", "+3"], written=FORMATS[2])
def test_cells_and_numbers_are_those_that_are_read_one_by_one(tmp_path_factory, storage, column, written):
    path = tmp_path_factory.getbasetemp() / "alike.csv"
    if any(misplaced_point(cell.strip(), written.decimal, written.thousands) for cell in column):
        with pytest.raises(DataError, match="a point in a number"):
            read(path, column, written, storage)
        return
    known = [as_read(cell, written) for cell in column]
    cells = read(path, column, written, storage)
    assert list(cells) == known
    assert bits(numbers_of(cells)) == bits(expected_values(known))
    assert absent(cells).tolist() == [cell is None for cell in known]
    assert is_number_column(cells) == all(cell is None or not math.isnan(number(cell)) for cell in known)


PLACES = st.integers(0, 10**6)


@given(column=COLUMN, places=st.one_of(st.lists(PLACES), st.sets(st.integers(0, 3), max_size=2).map(sorted)))
@example(column=["1", "", "x", "2.5", "7"], places=[1, 3])
@example(column=["1", "", "0.5", "2.5", "7"], places=[1, 4])
@example(column=["1", "", "0.5", "2.5", "7"], places=[4, 1])
def test_numbers_of_chosen_rows_are_those_of_their_cells(tmp_path_factory, column, places):
    cells = read(tmp_path_factory.getbasetemp() / "chosen.csv", column, FORMATS[0], "disk")
    rows = [place % len(column) for place in places]
    chosen = cells.take(torch.tensor(rows, dtype=torch.int64))
    known = [as_read(column[row], FORMATS[0]) for row in rows]
    assert list(chosen) == known
    assert bits(numbers_of(chosen)) == bits(expected_values(known))
    assert absent(chosen).tolist() == [cell is None for cell in known]
    assert is_number_column(chosen) == all(cell is None or not math.isnan(number(cell)) for cell in known)


@pytest.mark.parametrize("cell", [*PLAIN, *HARD, *BROKEN])
def test_a_cell_that_is_nearly_a_number_is_read_as_alone(tmp_path, cell):
    for column in ([cell], ["0.5", cell, "", "-12"], [cell, "1.25"]):
        cells = read(tmp_path / "cell.csv", column, FORMATS[0], "disk")
        assert bits(numbers_of(cells)) == bits(expected_values([each or None for each in column]))
        assert is_number_column(cells) == (not math.isnan(number(cell)))
