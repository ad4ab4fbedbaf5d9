"""The run directory: made once, owned by one process, found by path, checkpoint and name."""

import os
import re
import subprocess
import sys

import pytest

from dltk.config.errors import IntegrityError, Locked, MissingInput, OutputError
from dltk.training.runs.rundir import RunDir, find_run, newest_runs
from dltk.training.saving.durable import write_files

OWN = """
import sys
from pathlib import Path
from dltk.training.runs.rundir import RunDir
run = RunDir(Path(sys.argv[1]))
run.lock()
print("mine", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def runs(tmp_path):
    """Two runs of one name, and one run beside them."""
    for name in ("digits/20260101-120000-0001", "digits/20260101-120000-000a", "iris/20250101-120000-0001"):
        made(tmp_path / "runs" / name)
    return tmp_path / "runs"


def made(path):
    run = RunDir(path)
    run.create()
    run.write_configs("given: 1\n", "resolved: 1\n")
    run.release()
    return run


def test_a_fresh_run_is_named_after_the_time_and_sorts_by_it(tmp_path):
    first, second = RunDir.fresh(tmp_path), RunDir.fresh(tmp_path)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", first.path.name)
    assert first.path.name <= second.path.name
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_made_once(tmp_path):
    made(tmp_path / "a" / "run")
    assert sorted(path.name for path in (tmp_path / "a" / "run").iterdir()) == [
        ".lock", "checkpoints", "config.yaml", "pictures", "resolved.yaml",
    ]  # fmt: skip
    with pytest.raises(OutputError, match="'run' exists already") as caught:
        RunDir(tmp_path / "a" / "run").create()
    assert caught.value.code == 73


def test_runs_of_the_same_moment_get_names_of_their_own(tmp_path, monkeypatch):
    clock = iter([100.5, 100.5, 100.5, 100.5, 100.75])
    monkeypatch.setattr("dltk.training.runs.rundir.time.time", lambda: next(clock))
    first, second = RunDir.fresh(tmp_path), RunDir.fresh(tmp_path)
    assert first.path == second.path
    for run, aside in ((first, "a"), (second, "b")):
        path, run.path = run.path, tmp_path / aside
        run.create()
        run.settle(path)
        run.release()
    assert first.path.name.endswith("-8000")
    assert second.path.name.endswith("-c000")
    assert second.checkpoints.is_dir()


def test_a_name_that_was_asked_for_does_not_give_way(tmp_path):
    made(tmp_path / "wanted")
    run = RunDir(tmp_path / "aside")
    run.create()
    with pytest.raises(OutputError, match="wanted"):
        run.settle(tmp_path / "wanted")
    run.release()


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot create the run directory"):
        RunDir(tmp_path / "file" / "run").create()


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_a_run_that_another_process_owns_is_locked_until_it_dies(tmp_path):
    run = made(tmp_path / "run")
    with subprocess.Popen(
        [sys.executable, "-c", OWN, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        assert run.is_owned()
        with pytest.raises(Locked, match=f"another process owns this run: pid {other.pid} on ") as caught:
            run.lock()
        assert caught.value.code == 75
        other.kill()
    assert not run.is_owned()
    run.lock()
    assert (run.path / ".lock").read_text().startswith(f"pid {os.getpid()} on ")
    run.release()


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_a_run_is_locked_within_a_process_too(tmp_path):
    run = RunDir(tmp_path / "run")
    run.create()
    with pytest.raises(Locked):
        RunDir(tmp_path / "run").lock()
    run.release()
    again = RunDir(tmp_path / "run")
    again.lock()
    again.release()


def test_its_owner_clears_what_an_earlier_one_left(tmp_path):
    run = made(tmp_path / "run")
    (run.path / ".tmp-status.json-99").write_text("torn")
    write_files(run.preparation, {"a": b"1"}, {})
    run.preparation.rename(run.path / ".old-preparation")
    run.lock()
    run.release()
    assert run.preparation.is_dir()
    assert not list(run.path.glob(".tmp-*"))


def test_a_lock_that_cannot_be_taken_for_lack_of_a_directory_is_told(tmp_path):
    with pytest.raises(OutputError, match="cannot write into the run directory"):
        RunDir(tmp_path / "gone").lock()


def test_status_and_environment_come_back(tmp_path):
    run = made(tmp_path / "run")
    assert run.status() == {}
    run.write_status({"state": "running", "score": float("nan")})
    run.write_environment({"threads": 2})
    assert run.status() == {"state": "running", "score": None}
    assert run.read_environment() == {"threads": 2}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00", '{"a": 1'])
def test_a_broken_status_is_refused(tmp_path, content):
    run = made(tmp_path / "run")
    (run.path / "status.json").write_text(content)
    with pytest.raises(IntegrityError, match=r"status\.json"):
        run.status()


def test_a_run_is_found_by_its_path(runs):
    run, step = find_run(str(runs / "iris" / "20250101-120000-0001"))
    assert (run.path, step) == (runs / "iris" / "20250101-120000-0001", None)


def test_a_run_is_found_by_its_name_and_is_the_newest(runs):
    assert find_run("digits", runs)[0].path.name == "20260101-120000-000a"
    assert find_run(str(runs / "digits"))[0].path.name == "20260101-120000-000a"


def test_a_run_is_found_from_within(runs, monkeypatch):
    monkeypatch.chdir(runs / "iris" / "20250101-120000-0001")
    assert find_run(".")[0].path == runs / "iris" / "20250101-120000-0001"


def test_a_run_is_found_by_a_checkpoint_of_it(runs, monkeypatch):
    checkpoint = runs / "iris" / "20250101-120000-0001" / "checkpoints" / "step-00000120"
    checkpoint.mkdir()
    assert find_run(str(checkpoint))[1] == 120
    monkeypatch.chdir(checkpoint.parent)
    run, step = find_run("step-00000120")
    assert (run.path, step) == (checkpoint.parent.parent, 120)


def test_a_moved_run_is_found_where_it_is(runs, tmp_path):
    (runs / "iris" / "20250101-120000-0001").rename(tmp_path / "moved ä")
    run, _ = find_run(str(tmp_path / "moved ä"))
    assert run.resolved.read_text() == "resolved: 1\n"


@pytest.mark.parametrize("text", ["gone", "", "x" * 300, "checkpoints/step-x", "../..", "digits/checkpoints/step-1"])
def test_a_run_that_is_not_there_is_told(tmp_path, monkeypatch, text):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    with pytest.raises(MissingInput, match="there is no run ") as caught:
        find_run(text)
    assert caught.value.code == 66


def test_a_run_that_is_misspelt_is_guessed(runs):
    with pytest.raises(MissingInput, match="did you mean 'digits'"):
        find_run("digit", runs)


def test_runs_come_newest_first(runs):
    assert [run.path.name for run in newest_runs(runs / "digits")] == ["20260101-120000-000a", "20260101-120000-0001"]
    assert newest_runs(runs / "gone") == []
