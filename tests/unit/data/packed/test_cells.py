"""Columns of text in a file are what was written, whichever rows are read, and hold nothing of it in memory."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dltk.data.disk.rows import RowFile
from dltk.data.packed import cells as cells_module
from dltk.data.packed import packing
from dltk.data.packed.cells import PackedCells, PackedColumns, PackedTable, RowNames
from dltk.data.packed.packing import CellWriter

NAMES = ["", "a", "b\n", "도시", "\0", "\1 and \0", "x" * 300, "", "c", "d", "\ud800"]
NUMBERS = [str(i) for i in range(len(NAMES))]
PIECE = 3
"""So many rows are written at once, which is no part of a block."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cells_module, packing):
        monkeypatch.setattr(module, "BLOCK_ROWS", 4)


def written(path: Path, columns: dict[str, list[str]]) -> PackedColumns:
    content = io.BytesIO()
    writer = CellWriter(content.write)
    num_rows = len(next(iter(columns.values())))
    for first in range(0, num_rows, PIECE):
        writer.add([column[first : first + PIECE] for column in columns.values()])
    facts = writer.facts(list(columns))
    path.write_bytes(content.getvalue())
    return PackedColumns(RowFile(path, torch.uint8, (len(content.getvalue()),)), facts, "digest")


@pytest.fixture
def table(tmp_path: Path) -> PackedTable:
    file = written(tmp_path / "cells", {"name": NAMES, "number": NUMBERS})
    return PackedTable.whole(file, file.columns)


def test_cells_are_what_was_written(table):
    assert len(table) == len(table["name"]) == len(NAMES)
    assert list(table["name"]) == [name or None for name in NAMES]
    assert list(table["number"]) == NUMBERS
    assert (list(table), "name" in table, "other" in table) == (["name", "number"], True, False)
    assert [len(some) for some in table["number"].blocks()] == [4, 4, 3]
    assert list(table.itertuples(index=False, name=None)) == list(zip(table["name"], NUMBERS, strict=True))


def test_an_empty_cell_is_what_it_is_read_as(table):
    whole = table["name"]
    assert list(PackedCells(whole.file, "name", whole.chosen, empty="")) == NAMES


@pytest.mark.parametrize("rows", [[0], [10, 9, 0, 1], [3, 4, 5, 6, 7, 8], [4, 5, 6, 7], [7, 6, 5, 4], [2, 2, 9], []])
def test_rows_are_chosen_in_any_order_again_and_again(table, rows):
    chosen = table.take(torch.tensor(rows, dtype=torch.int64))
    assert list(chosen["number"]) == [NUMBERS[row] for row in rows]
    assert [chosen["number"][i] for i in range(len(rows))] == [NUMBERS[row] for row in rows]
    assert list(table["number"].take(torch.tensor(rows, dtype=torch.int64))) == [NUMBERS[row] for row in rows]
    again = chosen.take(torch.arange(len(rows)).flip(0)).only(["number"])
    assert list(again["number"]) == [NUMBERS[row] for row in reversed(rows)]
    assert chosen["number"][:2] == [NUMBERS[row] for row in rows[:2]]


def test_other_rows_or_columns_have_another_digest(table):
    same = table.take(torch.arange(len(table)))
    assert same.digest() == table.digest()
    others = [table.only(["name"]), table.take(torch.tensor([0, 1])), table.take(torch.tensor([1, 0]))]
    assert len({table.digest(), *(other.digest() for other in others)}) == 4


def test_columns_that_are_chosen_together_share_their_rows(table):
    indices = torch.tensor([1, 5])
    first, second = (table[name].take(indices) for name in ("name", "number"))
    assert first.chosen is second.chosen


def test_rows_are_called_by_their_place_in_the_file_or_their_ids(table):
    indices = torch.tensor([1, 9, 0])
    assert list(RowNames(table.chosen).take(indices)) == ["row 2", "row 10", "row 1"]
    named = RowNames(table.chosen, "a.csv ", table["name"]).take(indices)
    assert (list(named), named[2], named[:1], len(named)) == (
        ["a.csv a", "a.csv d", "a.csv row 1"],
        "a.csv row 1",
        ["a.csv a"],
        3,
    )


def test_long_cells_make_blocks_of_fewer_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "BLOCK_CHARACTERS", 300)
    file = written(tmp_path / "cells", {"name": NAMES, "number": NUMBERS})
    table = PackedTable.whole(file, file.columns)
    assert [len(some) for some in table["number"].blocks()] == [4, 4, 3]
    monkeypatch.setattr(packing, "BLOCK_CHARACTERS", 12)
    file = written(tmp_path / "others", {"name": NAMES, "number": NUMBERS})
    table = PackedTable.whole(file, file.columns)
    assert [len(some) for some in table["number"].blocks()] == [4, 2, 3, 2]
    for rows in ([10, 0, 4, 5], [4, 5, 7], list(range(11))):
        chosen = table.take(torch.tensor(rows))
        assert list(chosen["number"]) == [NUMBERS[row] for row in rows]
        assert [chosen["name"][i] for i in range(len(rows))] == [NAMES[row] or None for row in rows]
    assert table["name"].num_bytes == len("".join(NAMES).encode("utf-8", "surrogatepass")) + len(NAMES)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=15), st.data())
def test_any_text_comes_back(tmp_path_factory, rows, data):
    columns = {"x": [row[0] for row in rows], "y": [row[1] for row in rows]}
    file = written(tmp_path_factory.getbasetemp() / "any", columns)
    places = data.draw(st.lists(st.integers(0, len(rows) - 1)))
    table: Any = PackedTable.whole(file, ["y", "x"]).take(torch.tensor(places, dtype=torch.int64))
    assert list(table.itertuples()) == [(rows[i][1] or None, rows[i][0] or None) for i in places]
