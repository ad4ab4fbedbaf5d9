"""Nasty CSV files, each with its golden outcome."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.data.disk.choosing import reading_to
from dltk.data.packed.cells import PackedTable
from dltk.data.tables.csv_files import read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.frames import cells_of
from tests.problems import told

READABLE = {
    "plain": (b"a,b\n1,x\n2,y\n", {"a": ["1", "2"], "b": ["x", "y"]}),
    "no_final_newline": (b"a,b\n1,x", {"a": ["1"], "b": ["x"]}),
    "windows_line_ends": (b"a,b\r\n1,x\r\n", {"a": ["1"], "b": ["x"]}),
    "old_mac_line_ends": (b"a,b\r1,x\r", {"a": ["1"], "b": ["x"]}),
    "byte_order_mark": (b"\xef\xbb\xbfa,b\n1,x\n", {"a": ["1"], "b": ["x"]}),
    "semicolons": (b"a;b\n1,5;x\n2,5;y\n", {"a": ["1,5", "2,5"], "b": ["x", "y"]}),
    "tabs": (b"a\tb\n1\tx, y\n", {"a": ["1"], "b": ["x, y"]}),
    "bars": (b"a|b\n1|x\n", {"a": ["1"], "b": ["x"]}),
    "one_column": (b"a\n1\n\n2\n\n", {"a": ["1", None, "2"]}),
    "quoted_separator": (b'a,b\n"1,2",x\n', {"a": ["1,2"], "b": ["x"]}),
    "quoted_line_break": (b'a,b\n"1\n2",x\n', {"a": ["1\n2"], "b": ["x"]}),
    "doubled_quotes": (b'a,b\n"say ""hi""",x\n', {"a": ['say "hi"'], "b": ["x"]}),
    "space_before_quote": (b'a, b\n1, "x, y"\n', {"a": ["1"], "b": ["x, y"]}),
    "outer_spaces": (b" a , b \n 1 ,x \n", {"a": ["1"], "b": ["x"]}),
    "blank_lines": (b"\n\na,b\n\n1,x\n   \n2,y\n\n", {"a": ["1", "2"], "b": ["x", "y"]}),
    "missing_marks": (b"a,b\n?,NA\n,nan\n NaN ,x\n", {"a": [None] * 3, "b": [None, None, "x"]}),
    "kept_as_text": (b"a,b\n007,None\nnull,NULL\n", {"a": ["007", "null"], "b": ["None", "NULL"]}),
    "korean": ("도시,값\n서울,1\n".encode(), {"도시": ["서울"], "값": ["1"]}),
    "unnamed_column": (b",b\n1,x\n", {"c0": ["1"], "b": ["x"]}),
    "formula": (b"a,b\n=1+1,x\n", {"a": ["=1+1"], "b": ["x"]}),
}

BROKEN = {
    "empty": (b"", ["the table is empty"]),
    "blank": (b"\n \n\n", ["the table is empty"]),
    "only_a_mark": (b"\xef\xbb\xbf", ["the table is empty"]),
    "header_only": (b"a,b\n", ["a header but no rows"]),
    "long_row": (b"a,b\n1,2\n1,2,3\n", ["1 of 2 rows", "csv:3:5: 3 cells in", "2 cells, separated by ','"]),
    "short_row": (b"a,b\n1\n1,2\n", ["csv:2:2: 1 cell in"]),
    "ragged_after_line_break": (b'a,b\n"1\n2",x\n1\n', ["csv:4:2: 1 cell in"]),
    "same_names": (b"a,b,a, b\n1,2,3,4\n", ["same name", ":1:5: a: this", ":1:8: b: this", "header: false"]),
    "unclosed_quote": (b'a,b\n1,2\n"3,4\n5,6\n', ["csv:3:1", "a quote in it is never closed"]),
    "text_after_quote": (b'a,b\n"1"2,3\n', ["csv:2:1", "text goes on behind a closing quote"]),
    "nul": (b"a,b\n1,2\n3,\x004\n", ["csv:3:3", "NUL"]),
    "utf_16": ("a,b\n1,2\n".encode("utf-16"), ["not utf-8", "byte 0xff", "encoding: utf-16"]),
    "utf_16_without_mark": ("a,b\n1,2\n".encode("utf-16-le"), ["NUL", "encoding: utf-16-le"]),
    "cp949": ("도시,값\n서울,1\n".encode("cp949"), ["not utf-8", "csv:1:1", "encoding: cp949"]),
    "latin_1": ("a,b\n1,café\n2,à la\n".encode("latin-1"), ["csv:2:6", "byte 0xe9", "encoding: latin-1"]),
    "huge_cell": (b"a,b\n1," + b"x" * 200_000 + b"\n", ["csv:2:1", "a cell is very long"]),
}


def columns_of(frame: PackedTable) -> dict[str, list[str | None]]:
    return {name: list(frame[name]) for name in frame.columns}


@pytest.fixture(params=["memory", "disk"])
def either_way(request, tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    with reading_to(request.param):
        yield request.param


@pytest.mark.parametrize("case", READABLE)
def test_a_readable_file_gives_its_cells_as_text(case, tmp_path, either_way):
    content, expected = READABLE[case]
    frame = read_csv(_file(tmp_path, content), CsvFormat()).frame
    assert frame.file.is_on_disk == (either_way == "disk")
    assert columns_of(frame) == expected


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_with_its_reason(case, tmp_path, either_way):
    content, words = BROKEN[case]
    with pytest.raises(DataError) as caught:
        read_csv(_file(tmp_path, content), CsvFormat())
    assert caught.value.code == 65
    assert "table.csv" in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []


def test_all_ragged_rows_are_reported_together_but_at_most_twenty(tmp_path, either_way):
    with pytest.raises(DataError) as caught:
        read_csv(_file(tmp_path, b"a,b\n" + b"1\n" * 25), CsvFormat(separator=","))
    assert str(caught.value).count("table.csv:") == 20
    assert "\n... and 5 more\n" in str(caught.value)


def test_a_given_separator_is_not_guessed(tmp_path):
    path = _file(tmp_path, b"a;b,c\n1;2,3\n")
    assert list(read_csv(path, CsvFormat(separator=",")).frame) == ["a;b", "c"]


def test_the_word_na_among_words_is_noted_and_among_numbers_it_is_not(tmp_path, either_way):
    path = _file(tmp_path, b"country,age,code,mark\nNA,1,NA,?\nZA,NA,NA,a\nNA,3,7,b\n")
    (note,) = read_csv(path, CsvFormat()).notes
    assert note.startswith("table.csv: 2 cells 'NA' in column country: read as missing; ")
    assert note.endswith("set missing: []")
    assert read_csv(path, CsvFormat(missing=("NA",))).notes == ()
    assert list(cells_of(read_csv(path, CsvFormat(missing=())).frame, "country")) == ["NA", "ZA", "NA"]


def test_a_guessed_separator_other_than_the_comma_is_noted(tmp_path, either_way):
    path = _file(tmp_path, b"a;b\n1;2\n")
    assert read_csv(path, CsvFormat()).notes == ("table.csv: cells are separated by ';'",)
    assert read_csv(path, CsvFormat(separator=";")).notes == ()


def test_a_separator_that_fits_every_row_wins_over_one_that_cuts_more(tmp_path):
    path = _file(tmp_path, b"a;b\n1,2,3;x\n1;y\n")
    assert list(read_csv(path, CsvFormat()).frame) == ["a", "b"]


def test_without_header_columns_are_numbered(tmp_path):
    frame = read_csv(_file(tmp_path, b"1,1\n2,2\n"), CsvFormat(header=False)).frame
    assert columns_of(frame) == {"c0": ["1", "2"], "c1": ["1", "2"]}


def test_a_header_of_numbers_is_pointed_out(tmp_path, either_way):
    assert "header: false" in read_csv(_file(tmp_path, b"5.1,3\n4.9,2\n"), CsvFormat()).notes[0]


def test_a_column_without_a_name_is_pointed_out(tmp_path, either_way):
    assert "called c0" in read_csv(_file(tmp_path, b",b\n0,2\n"), CsvFormat()).notes[0]


@pytest.mark.parametrize("encoding", ["utf-16", "cp949", "utf-8-sig"])
def test_a_named_encoding_is_used(encoding, tmp_path, either_way):
    path = _file(tmp_path, "도시,값\n서울,1\n".encode(encoding))
    assert list(cells_of(read_csv(path, CsvFormat(encoding=encoding)).frame, "도시")) == ["서울"]


@pytest.mark.parametrize("encoding", ["utf-99", "rot13", "base64", "undefined", "", "\0"])
def test_what_is_no_text_encoding_is_an_error_of_the_option(encoding, tmp_path):
    with pytest.raises(OptionError, match="no text encoding") as caught:
        read_csv(_file(tmp_path, b"a\n1\n"), CsvFormat(encoding=encoding))
    assert caught.value.path == ("encoding",)


def test_own_missing_marks_replace_the_usual_ones(tmp_path):
    frame = read_csv(_file(tmp_path, b"a,b\n-999,NA\n,1\n"), CsvFormat(missing=(" -999 ",))).frame
    assert columns_of(frame) == {"a": [None, None], "b": ["NA", "1"]}


def test_numbers_with_a_decimal_comma_come_out_with_a_point_and_texts_as_they_are(tmp_path):
    path = _file(tmp_path, b"a;b\n1,5; -,5e3\n+2,;a,b\n3;1,2,3\n")
    frame = read_csv(path, CsvFormat(decimal=",")).frame
    assert columns_of(frame) == {"a": ["1.5", "+2.", "3"], "b": ["-.5e3", "a,b", "1,2,3"]}


def test_the_separator_is_not_guessed_to_be_the_decimal_comma(tmp_path):
    path = _file(tmp_path, b"a\n1,5\n2,5\n")
    assert columns_of(read_csv(path, CsvFormat(decimal=",")).frame) == {"a": ["1.5", "2.5"]}


def test_a_point_where_the_decimal_is_a_comma_is_refused_with_its_line_and_column(tmp_path):
    path = _file(tmp_path, b"a;b\n1,5;x\n1.234;y\n")
    with pytest.raises(DataError, match="1 cell with a point") as caught:
        read_csv(path, CsvFormat(decimal=","))
    (problem,) = caught.value.problems
    assert told(problem) == f"{path}:3:1: a: a point in a number (found '1.234')"
    assert "between thousands" in caught.value.do


@pytest.mark.parametrize(
    ("thousands", "decimal", "cells"),
    [
        (",", ".", {"1,000": "1000", "-12,345.5": "-12345.5", "1,234,567e2": "1234567e2", "7.5": "7.5"}),
        (",", ".", {"12,34": "12,34", "1,000,": "1,000,", "1,0000": "1,0000", "a, b": "a, b", ",000": ",000"}),
        (".", ",", {"1.000": "1000", "1.234,5": "1234.5", "0,5": "0.5", "x.y": "x.y"}),
        (" ", ",", {"1 000,5": "1000.5", " 12 ": "12", "1 apple": "1 apple"}),
        ("'", ".", {"1'000.5": "1000.5"}),
    ],
)
def test_marks_between_thousands_are_taken_out_of_numbers_alone(thousands, decimal, cells, tmp_path):
    path = _file(tmp_path, ("a|b\n" + "".join(f"{cell}|x\n" for cell in cells)).encode())
    frame = read_csv(path, CsvFormat(separator="|", thousands=thousands, decimal=decimal)).frame
    assert list(frame["a"]) == list(cells.values())


def test_a_point_that_cuts_no_thousands_is_refused(tmp_path):
    path = _file(tmp_path, b"a;b\n1.000,5;x\n1.25;y\n")
    with pytest.raises(DataError, match="1 cell with a point") as caught:
        read_csv(path, CsvFormat(decimal=",", thousands="."))
    assert [problem.found for problem in caught.value.problems] == ["'1.25'"]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b'a,b\n"1,5",x\n"2,5",y\n', ["a", "b"]),
        (b'a;b\n"1,5";x\n2,5;y\n', ["a", "b"]),
        (b'a|b\n"1,5"|x, y\n', ["a", "b"]),
        (b'"a"\n"1,5"\n', ["a"]),
    ],
)
def test_a_comma_separates_quoted_numbers_with_a_decimal_comma_where_nothing_else_does(content, names, tmp_path):
    frame = read_csv(_file(tmp_path, content), CsvFormat(decimal=",")).frame
    assert list(frame) == names
    assert frame["a"][0] == "1.5"


def test_an_error_names_the_separators_that_a_decimal_comma_leaves(tmp_path):
    path = _file(tmp_path, b'a,b\n"1,5",x\n"2,5",y,z\n')
    with pytest.raises(DataError, match="a row cannot be read") as caught:
        read_csv(path, CsvFormat(decimal=","))
    assert "leaves semicolon, tab and bar as separators" in caught.value.do


def test_columns_are_named_where_there_is_no_header(tmp_path):
    written = CsvFormat(header=False, column_names=("a", "b", "y"), optional=("y",))
    assert list(read_csv(_file(tmp_path, b"1,2,3\n"), written).frame) == ["a", "b", "y"]
    assert list(read_csv(_file(tmp_path, b"1,2\n"), written).frame) == ["a", "b"]
    with pytest.raises(DataError, match="as many cells as column_names") as caught:
        read_csv(_file(tmp_path, b"1,2,3,4\n"), written)
    assert (caught.value.found, caught.value.expected) == ("4 cells", "3: a; b; y")


def test_a_gzipped_file_is_read(tmp_path, either_way):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert len(read_csv(str(path), CsvFormat()).frame) == 1


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n" * 99)[:-9], b""])
def test_a_broken_gzip_archive_is_refused(content, tmp_path, either_way):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"gzip|empty"):
        read_csv(str(path), CsvFormat())


def test_a_file_that_is_not_there_is_missing_input_with_its_absolute_path(tmp_path):
    with pytest.raises(MissingInput) as caught:
        read_csv(str(tmp_path / "none.csv"), CsvFormat())
    assert caught.value.where == str(tmp_path / "none.csv")
    with pytest.raises(MissingInput, match="folder"):
        read_csv(str(tmp_path), CsvFormat())


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert columns_of(read_csv("-", CsvFormat()).frame) == {"a": ["1"], "b": ["2"]}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_foreseen_error(tmp_path_factory, content):
    path = _file(tmp_path_factory.getbasetemp(), content)
    try:
        frame = read_csv(path, CsvFormat()).frame
    except DataError:
        return
    assert len(frame) > 0


def _file(folder: Path, content: bytes) -> str:
    path = folder / "table.csv"
    path.write_bytes(content)
    return str(path)
