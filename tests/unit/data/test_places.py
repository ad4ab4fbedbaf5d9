"""Where cells stand: in quotes, over lines, behind spaces, beyond the end of a row."""

import numpy as np
import pytest
import torch

from dltk.data.places import Places, Sheet

TEXT = 'a,b,c\r\n1, 2,3\n"x,""y""\nz",5,\n6\n'


@pytest.mark.parametrize(
    ("line", "index", "place"),
    [
        (1, 2, "t:1:5"),
        (2, 0, "t:2:1"),
        (2, 1, "t:2:4"),
        (3, 0, "t:3:1"),
        (3, 1, "t:4:4"),
        (3, 2, "t:4:6"),
        (5, 0, "t:5:1"),
        (5, 1, "t:5:2"),
        (9, 0, "t:9:1"),
    ],
)
def test_a_cell_begins_behind_separators_that_are_not_quoted(line, index, place):
    assert str(Sheet("t", TEXT, ",", quoting=True).cell(line, index)) == place


def test_without_quoting_quotes_are_text():
    assert str(Sheet("t", '"a\tb\n', "\t").cell(1, 1)) == "t:1:4"


def test_a_column_that_a_row_has_not_is_its_line():
    assert str(Sheet("t", TEXT, ",", ["a", "b"], quoting=True).named(2, "zz")) == "t:2:1"


def test_places_follow_their_rows_when_these_are_chosen_and_joined():
    one = Places.of(Sheet("one", "h\n1\n2\n", ",", ["h"], quoting=True), [2, 3])
    two = Places.of(Sheet("two", "h\n3\n", ",", ["h"], quoting=True), [2])
    chosen = (one + two).take(torch.tensor([2, 1]))
    assert [str(chosen.cell(row, "h")) for row in range(2)] == ["two:2:1", "one:3:1"]
    assert chosen.lines.dtype == np.int64
