"""Tables: aligned, folded to the terminal, in every script."""

import pytest

from dltk.cli.answers import print_table
from dltk.cli.tables import NARROWEST, cell_width, folded, table_lines

ROWS = [["name", "what"], ["mlp", "dense layers one after another"], ["lenet", "for small images"]]


def test_columns_are_aligned_and_lines_end_with_text():
    assert table_lines(ROWS, 80) == [
        "name   what",
        "mlp    dense layers one after another",
        "lenet  for small images",
    ]


def test_a_cell_that_does_not_fit_goes_on_below_itself():
    assert table_lines(ROWS, 22) == [
        "name   what",
        "mlp    dense layers",
        "       one after",
        "       another",
        "lenet  for small",
        "       images",
    ]


def test_an_unbroken_column_keeps_its_words_whole_however_narrow_the_terminal_is():
    rows = [["path", "what"], ["configs/start/digits_mlp.yaml", "digits of eight by eight"]]
    lines = table_lines(rows, 20, unbroken=[0])
    assert lines[1].startswith("configs/start/digits_mlp.yaml  digits")
    assert all(len(line) <= len("configs/start/digits_mlp.yaml") + 2 + NARROWEST for line in lines)


def test_no_letter_is_lost_by_folding():
    text = "supercalifragilisticexpialidocious and a few words"
    assert "".join(folded(text, 9)).replace(" ", "") == text.replace(" ", "")
    assert max(map(cell_width, folded(text, 9))) <= 9


def test_a_long_word_begins_on_a_line_of_its_own():
    assert folded("a abcdefgh", 4) == ["a", "abcd", "efgh"]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("영화", 4), ("e\u0301", 1), ("", 0)])
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str, width: int) -> None:
    assert cell_width(text) == width


def test_korean_cells_are_aligned_and_folded_by_what_they_take():
    rows = [["label", "n"], ["긍정", "1"], ["아주 긴 이름의 감정", "2"]]
    assert table_lines(rows, 40)[1] == "긍정" + " " * 15 + "  1"
    assert max(map(cell_width, table_lines(rows, 14))) <= 14


def test_of_no_answers_nothing_is_printed(capsys):
    print_table([])
    assert capsys.readouterr().out == ""
