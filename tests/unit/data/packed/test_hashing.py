"""Numbers that stand for cells are equal where the cells are, wherever these lie, and nowhere else."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltk.data.packed import hashing
from dltk.data.packed.hashing import hashes_of, joined

ASCII = "".join(map(chr, range(128)))
CELLS = ["", "0", "00", "a", "ab", "ba", "도시", "\0", "\0\0", "x" * 1000, "x" * 1001, ASCII, ASCII[::-1], "\ud800"]


def packed(cells: Sequence[str]) -> bytes:
    """Pack cells as `CellWriter` does, with the first mark that none of them has."""
    mark = next(mark for mark in map(chr, range(1000)) if mark not in "".join(cells))
    return (mark + mark.join(cells)).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("part", [1, 100, 1 << 14])
def test_different_cells_have_different_numbers(part, monkeypatch):
    monkeypatch.setattr(hashing, "_PART", part)
    plain = [cell for cell in CELLS if len(cell) != len(ASCII)]
    assert len(set(hashes_of(packed(plain)).tolist())) == len(plain)
    assert len(set(hashes_of(packed(CELLS)).tolist())) == len(CELLS)


@given(st.lists(st.one_of(st.text(), st.sampled_from(CELLS)), min_size=1))
def test_a_cell_has_its_number_wherever_it_lies(cells):
    alone = [int(hashes_of(packed([cell]))[0]) for cell in cells]
    assert hashes_of(packed(cells)).tolist() == alone
    assert hashes_of(packed([*cells, ASCII])).tolist()[:-1] == alone


@given(st.lists(st.tuples(st.sampled_from(CELLS), st.sampled_from(CELLS)), min_size=1))
def test_rows_have_the_same_number_where_all_cells_are_the_same(rows):
    found = joined(hashes_of(packed(column)) for column in zip(*rows, strict=True)).tolist()
    assert len({*zip(found, rows, strict=True)}) == len(set(found)) == len(set(rows))


def test_a_cell_counts_in_its_own_column():
    one, other = (np.array([number], np.uint64) for number in (1, 2))
    assert joined([one, other]) != joined([other, one])
