"""A table that is looked at, then read, is parsed once, and anew once it has changed."""

from pathlib import Path
from typing import Any

import pytest

from dltk.data.disk.choosing import reading_to
from dltk.data.tables import rereading
from dltk.data.tables.csv_files import CsvTable, read_csv
from dltk.data.tables.csv_format import CsvFormat
from dltk.data.tables.rereading import look_at, read_once


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that were parsed, as they are."""
    paths: list[str] = []

    def counted(path: str, written: CsvFormat) -> CsvTable:
        paths.append(path)
        return read_csv(path, written)

    monkeypatch.setattr(rereading, "_looked_at", {})
    monkeypatch.setattr(rereading, "read_csv", counted)
    return paths


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "some.csv"
    path.write_text("x,y\n1,a\n2,b\n")
    return str(path)


def test_what_was_looked_at_is_read_without_parsing_it_again(table, parsed):
    seen: Any = look_at(table, CsvFormat())
    with pytest.raises(TypeError):
        seen.frame["y"] = "changed by who looked"
    assert list(read_once(table, CsvFormat()).frame["y"]) == ["a", "b"]
    assert parsed == [table]


def test_nothing_is_kept_once_it_was_read(table, parsed):
    look_at(table, CsvFormat())
    read_once(table, CsvFormat())
    read_once(table, CsvFormat())
    assert parsed == [table, table]


def test_a_file_that_has_changed_is_parsed_anew(table, parsed):
    look_at(table, CsvFormat())
    Path(table).write_text("x,y\n1,a\n2,b\n3,c\n")
    assert len(read_once(table, CsvFormat()).frame) == 3
    assert parsed == [table, table]


def test_another_format_is_parsed_anew(table, parsed):
    look_at(table, CsvFormat())
    other = read_once(table, CsvFormat(header=False)).frame
    assert (len(other), list(other.columns)) == (3, ["c0", "c1"])
    assert parsed == [table, table]


def test_at_most_one_table_is_kept(table, parsed, tmp_path):
    (tmp_path / "other.csv").write_text("x,y\n1,a\n")
    look_at(table, CsvFormat())
    look_at(str(tmp_path / "other.csv"), CsvFormat())
    read_once(table, CsvFormat())
    assert len(parsed) == 3


def test_a_table_that_is_wanted_elsewhere_is_read_anew(table, parsed, tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    look_at(table, CsvFormat())
    with reading_to("disk"):
        assert look_at(table, CsvFormat()).frame.file.is_on_disk
        assert read_once(table, CsvFormat()).frame.file.is_on_disk
    assert parsed == [table, table]
