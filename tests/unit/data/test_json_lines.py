"""JSON Lines: what is read, and what is refused."""

from pathlib import Path

import pytest

from dltk.config.errors import DataError, MissingInput
from dltk.data.json_lines import read_records
from tests.problems import told


def written(folder: Path, text: str) -> str:
    path = folder / "records.jsonl"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_each_line_is_an_object_and_blank_lines_are_none(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1}\r\n\n{"a": [2.5, "ü"]}')
    assert read_records(path, ["a"]) == [{"a": 1}, {"a": [2.5, "ü"]}]


def test_all_wrong_lines_are_reported_together(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1}\n{"a": \n[1]\n{"b": 1}\n{"a": NaN}\n')
    with pytest.raises(DataError, match="4 lines cannot be used") as caught:
        read_records(path, ["a"])
    assert [told(problem) for problem in caught.value.problems] == [
        f"{path}:2:1: this line is no JSON object",
        f"{path}:3:1: this line is no JSON object",
        f"{path}:4:1: this line lacks a",
        f"{path}:5:1: this line is no JSON object",
    ]
    assert {problem.id for problem in caught.value.problems} == {"DLTK-DATA-RECORD"}
    assert caught.value.expected == "a JSON object per line, with a"


def test_of_many_wrong_lines_twenty_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_records(written(tmp_path, "x\n" * 30))
    assert str(caught.value).count("no JSON object [") == 20
    assert "\n... and 10 more\n" in str(caught.value)


def test_a_deeply_nested_line_is_no_object(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 line cannot"):
        read_records(written(tmp_path, "[" * 100_000))


def test_a_missing_file_is_a_missing_input(tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        read_records(str(tmp_path / "none.jsonl"))
