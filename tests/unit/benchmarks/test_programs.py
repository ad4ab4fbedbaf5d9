"""Whole processes are timed, and what fails is told."""

import sys

import pytest

from benchmarks.contestants.names import CONTESTANTS, PEERS, able
from benchmarks.parts import KINDS, SPEEDS, measured
from benchmarks.peers import python_for
from benchmarks.programs import Program, timed


def test_a_program_is_timed_in_every_round():
    group = [Program("process", "x", name, (sys.executable, "-c", "pass")) for name in ("one", "other")]
    rows = list(timed(group, 1, [1, 2]))
    assert [(row.round, row.contestant) for row in rows] == [(1, "other"), (1, "one"), (2, "one"), (2, "other")]
    assert all(row.seconds and row.cpu_seconds is not None and row.peak_mb for row in rows)


def test_another_exit_code_is_an_error_not_a_time():
    (row,) = timed([Program("process", "x", "one", (sys.executable, "-c", "raise SystemExit('broken')"))], 1, [1])
    assert row.seconds is None
    assert row.error == "ended with code 1: broken"


def test_an_expected_exit_code_is_none():
    (row,) = timed([Program("process", "x", "one", (sys.executable, "-c", "exit(2)"), code=2)], 1, [1])
    assert row.error == ""


def test_what_a_program_scored_is_kept():
    command = (sys.executable, "-c", "print('0.75')")
    (row,) = timed([Program("process", "x", "one", command, score=float)], 1, [1])
    assert row.loss == 0.75


def test_a_program_reads_what_is_typed_and_knows_its_cores():
    code = "import sys; print(len(sys.stdin.readlines()), sys.argv[1])"
    command = (sys.executable, "-c", code, "{threads}")
    (row,) = timed(
        [Program("whole", "x", "one", command, score=lambda text: float(text.split()[0]), typed="go\ngo\n")], 1, [1]
    )
    assert row.loss == 2
    assert row.peak_mb


@pytest.mark.slow
def test_parts_of_a_step_are_measured(tmp_path, monkeypatch):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = measured(["e"], 1, 1)
    for kind in KINDS:
        found = {row.contestant: row for row in rows if row.kind == kind}
        assert {"products", "update", "the rest"} <= set(found)
        assert found["products"].gflop
    assert {row.kind for row in rows} == {*KINDS, *SPEEDS}
    assert all(row.seconds and row.gflop for row in rows if row.kind in SPEEDS)


def test_who_needs_no_packages_runs_here():
    assert python_for(CONTESTANTS["dltk"]) == sys.executable


def test_only_those_train_a_workload_who_can():
    assert able(["opt", "scikit_learn", "keras_jax"], "c") == ["opt", "keras_jax"]
    assert able([*PEERS], "e_long") == []
