"""Files of measurements: read back as written, added to by the same machine and code only."""

import pytest

from benchmarks.records import COLUMNS, Records, Row, differing

ROWS = [
    Row("step", "a", "opt", 1, 1, 1.25, 1.5, 469, 0.125, 800.5),
    Row("step", "a", "dltk", 1, 1, 1.0, 1.0, 469, 0.125, 900.0),
    Row.failed("a", "fastai", 2, "ended with code 1: a line, with a comma\nand another"),
]
HEADER = {"cpu": "a processor", "experiments": '{"a": {"name": "x: y"}}'}


def test_a_file_reads_as_it_was_written(tmp_path):
    path = tmp_path / "folder" / "some.csv"
    Records(HEADER, ROWS).write(path)
    read = Records.read(path)
    assert read.header == HEADER
    assert read.rows[:2] == ROWS[:2]
    assert read.rows[2].error == "ended with code 1: a line, with a comma and another"
    assert read.rows[2].seconds is None


def test_writing_what_was_read_changes_nothing(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    Records(HEADER, ROWS).write(one)
    Records.read(one).write(other)
    assert one.read_bytes() == other.read_bytes()


def test_rounds_go_on_after_those_in_the_file():
    records = Records(HEADER, ROWS)
    assert records.next_round("step", "a", 1) == 2
    assert records.next_round("step", "b", 1) == 1
    assert records.with_rows([Row("step", "a", "opt", 1, 2)]).next_round("step", "a", 1) == 3


def test_a_file_with_other_columns_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("# cpu: x\nkind,case\nstep,a\n")
    with pytest.raises(ValueError, match=f"expected .*{COLUMNS[-1]}"):
        Records.read(path)


def test_facts_that_differ_are_named():
    one, other = {"cpu": "x", "torch": "1"}, {"cpu": "x", "torch": "2"}
    assert differing(one, other, ("cpu", "torch")) == ["torch was 1, is 2"]
