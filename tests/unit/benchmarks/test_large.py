"""Commands on large data are compared between memory and disk, and their costs come into a table."""

import random
from dataclasses import replace

import pytest

from benchmarks.large import KINDS, large_table, measured, written
from benchmarks.records import Row

ROW = Row("large", "table of 100 MB: train", "memory", 1, 1, 40.0, 20.0, loss=0.75, peak_mb=900.4)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_large_files_are_the_same_each_time(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("benchmarks.large._ROWS_AT_A_TIME", 50)
    one, other = (written(kind, tmp_path / name, 1).read_bytes() for name in ("one.csv", "other.csv"))
    assert one == other
    assert 1_000_000 <= len(one) < 1_100_000
    lines = one.decode().splitlines()
    assert {line.count(",") for line in lines} == {kind.header.count(",")}
    assert len(set(lines)) == len(lines)


def test_a_row_follows_from_chance_alone():
    for kind in KINDS:
        assert kind.row(random.Random(3)) == kind.row(random.Random(3)) != kind.row(random.Random(4))


def test_the_table_tells_how_fast_a_file_is_gone_through():
    broken = replace(ROW, contestant="disk", seconds=None, cpu_seconds=None, error="another result than in memory")
    *_, one, other = large_table([ROW, replace(ROW, kind="step"), broken])
    assert one == "| table of 100 MB: train | memory | 20 | 5 | 900 | 0.7500 |"
    assert other == "| table of 100 MB: train | disk | failed: another result than in memory | | | |"


@pytest.mark.slow
def test_memory_and_disk_leave_the_same():
    rows = list(measured(4, 1, 1))
    assert {row.case.split(": ")[1] for row in rows} == {"train", "eval", "predict", "plan"}
    assert [row.error for row in rows] == [""] * 12


@pytest.mark.slow
def test_a_run_that_needs_more_than_its_limit_fails(monkeypatch):
    monkeypatch.setattr("benchmarks.large.LEAST_LIMIT", 1_000_000)
    rows = list(measured(4, 1, 1))
    held = [row for row in rows if "at most" in row.contestant]
    assert len(held) == 2
    assert all("memory" in row.error.lower() for row in held)
