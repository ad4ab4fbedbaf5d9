"""Answers are written and printed as they come, and what a file holds is what was answered."""

import csv
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltk.cli import answers, writing
from dltk.cli.answers import print_json, print_table
from dltk.cli.writing import print_with_rows, write_answers
from dltk.config.errors import WriteError

TEXT = st.text(st.sampled_from("ab,;\"'\n\r\0 도\ud800"), max_size=6).map("a{}".format)  # no formula of a spreadsheet
VALUE = st.one_of(TEXT, st.just(""), st.integers(), st.floats(), st.booleans(), st.none())
ROW = st.dictionaries(st.sampled_from(["input", "status", "a", "b,c", ""]), VALUE, max_size=4)


def expected_csv(rows: list[dict[str, Any]]) -> bytes:
    """Write rows that are all in memory, as the csv module does by itself."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")


@given(st.lists(ROW, max_size=5))
def test_a_csv_file_has_all_columns_wherever_they_begin(tmp_path_factory, rows):
    output = tmp_path_factory.getbasetemp() / "answers.csv"
    write_answers(output, iter(rows))
    assert output.read_bytes() == expected_csv(rows)


@given(st.lists(ROW, max_size=5))
def test_rows_are_printed_in_one_json_object_as_if_all_were_in_memory(rows):
    rows = [
        {key: value.replace("\ud800", "") if isinstance(value, str) else value for key, value in row.items()}
        for row in rows
    ]
    whole = {"run": 'a "rows": [] b', "rows": [], "seconds": 0.1}
    with redirect_stdout(io.StringIO()) as found:
        print_with_rows(iter(rows), lambda: whole)
    with redirect_stdout(io.StringIO()) as expected:
        print_json({**whole, "rows": rows})
    assert found.getvalue() == expected.getvalue()


def test_many_rows_wait_in_a_file_before_they_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(writing, "MAX_BYTES_HELD", 100)
    print_with_rows(({"input": str(i)} for i in range(1000)), lambda: {"rows": []})
    assert [row["input"] for row in json.loads(capsys.readouterr().out)["rows"]] == list(map(str, range(1000)))


def test_nothing_is_printed_where_an_answer_fails(capsys):
    def failing():
        yield {"input": "a"}
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        print_with_rows(failing(), lambda: {"rows": []})
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_is_told(monkeypatch):
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda *_, **__: open("/dev/full", "w", 1))  # noqa: PTH123, SIM115
    with pytest.raises(WriteError, match="cannot set answers aside: No space left on device"):
        print_with_rows([{"input": "a\n" * 100_000}], lambda: {"rows": []})


def test_a_very_long_cell_is_written(tmp_path):
    rows = [{"input": "x" * 200_000}, {"input": "y", "status": "ok"}]
    write_answers(tmp_path / "answers.csv", rows)
    assert (tmp_path / "answers.csv").read_bytes() == expected_csv(rows)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(answers, "MAX_ALIGNED", 2)


def test_rows_are_printed_before_the_last_one_is_known(few, capsys):
    def endless():
        for number in range(1_000_000):
            if capsys.readouterr().out.startswith("row"):
                return
            yield {"row": number}
        pytest.fail("nothing was printed")

    print_table(endless())


def test_the_header_of_a_long_table_stands_once(few, capsys):
    print_table({"input": f"row {10**number}", "label": "yes"} for number in range(5))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["input", "row 1", "row 10", "row 100", "row 1000", "row 10000"]
    assert lines[1].index("yes") == lines[2].index("yes") < lines[3].index("yes")


def test_other_columns_have_a_header_of_their_own(few, capsys):
    print_table([{"a": 1}, {"a": 2}, {"b": 3}])
    assert capsys.readouterr().out.split() == ["a", "1", "2", "b", "3"]
