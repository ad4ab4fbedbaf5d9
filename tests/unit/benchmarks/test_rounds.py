"""The smallest workload, measured for real: two processes, paired rounds, the same losses."""

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.records import Records
from benchmarks.referee import in_turn


@pytest.mark.slow
def test_the_smallest_workload_is_measured_in_pairs_and_added_to(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    output = tmp_path / "measured.csv"
    asked = ["--only", "e", "--threads", "1", "--contestants", "opt,dltk", "--output", str(output)]
    assert main([*asked, "--rounds", "1"]) == 0
    assert main([*asked, "--rounds", "1"]) == 0
    rows = Records.read(output).rows
    assert [(row.round, row.contestant) for row in rows] == [
        *((1, "dltk"), (1, "opt")),
        *((2, "opt"), (2, "dltk")),
    ]
    assert {row.steps for row in rows} == {2600}
    assert all(row.seconds and row.cpu_seconds and row.peak_mb and row.loss for row in rows)
    assert "| e | 1 | dltk |" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("key", ["words", "ratings"])
def test_what_is_held_out_judges_all_alike(tmp_path, monkeypatch, capsys, key):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    output = tmp_path / "measured.csv"
    asked = ["--only", key, "--threads", "1", "--rounds", "1", "--contestants", "opt,same,dltk"]
    assert main([*asked, "--output", str(output)]) == 0
    rows = Records.read(output).rows
    assert len(rows) == 3
    assert len({row.steps for row in rows}) == 1
    assert max(row.loss or 9.0 for row in rows) < {"words": 3.5, "ratings": 1.1}[key]
    assert all((row.score or 0) > 0.4 for row in rows) == (key == "words")
    assert "are learned from" in capsys.readouterr().err


def test_who_begins_changes_from_round_to_round():
    assert [in_turn(["x", "y", "z"], number)[0] for number in range(4)] == ["x", "y", "z", "x"]


@pytest.mark.parametrize("arguments", [["--only", "z"], ["--contestants", "nobody"], ["--threads", "one"]])
def test_what_there_is_not_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_a_file_of_another_machine_is_not_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "old.csv"
    Records({"cpu": "another"}, []).write(output)
    with pytest.raises(SystemExit):
        main(["--only", "e", "--output", str(output)])
    assert "cpu was another, is " in capsys.readouterr().err
