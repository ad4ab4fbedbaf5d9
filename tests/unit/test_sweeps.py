"""The sweep scripts: every combination once, no test score inside, failures cost only themselves."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
STAND_IN = """#!/bin/bash
call=$(printf '%s|' "$@")
printf '%s\\n' "$call" >>"$RUNS/calls"
case "$*" in
    *0.001*"[16]"*"$FAILING"*) printf '{"error": "DLTK-DIVERGED", "code": 80, "message": "no loss"}\\n'; exit 80 ;;
    *0.01*"[16]"*"$CRASHING"*) exit 137 ;;
    train*) printf '{"run": "runs/a b", "status": "completed", "scores": {}}\\n' ;;
    *--json*) printf '{"runs": [{"run": "runs/a b", "name": "x"}]}\\n' ;;
esac
"""
COMBINATIONS = {(lr, hidden) for lr in ("0.001", "0.01") for hidden in ("[16]", "[64, 64]")}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash scripts; on Windows they need WSL")


@pytest.fixture
def sweep(tmp_path):
    """Return what runs a script with a stand-in for dltk, in a folder with a space."""
    runs = tmp_path / "a folder"
    runs.mkdir()
    (tmp_path / "dltk").write_text(STAND_IN)
    (tmp_path / "dltk").chmod(0o755)

    def call(script, *arguments, **variables):
        plain = {name: value for name, value in os.environ.items() if "TASK_ID" not in name}
        own = {"RUNS": str(runs), "DLTK": str(tmp_path / "dltk"), "FAILING": "no", "CRASHING": "no", **variables}
        command = [SCRIPTS / script, "my config.yaml", *arguments]
        done = subprocess.run(command, env={**plain, **own}, capture_output=True, text=True, check=False)
        log = runs / "calls"
        calls = [line.split("|")[:-1] for line in log.read_text().splitlines()] if log.exists() else []
        results = runs / "results.jsonl"
        lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
        others = [call for call in calls if call[0] != "train"]
        return done, [call for call in calls if call[0] == "train"], others, lines

    return call


def combinations(calls):
    named = [dict(word.split("=", 1) for word in call if "=" in word) for call in calls]
    return [(options["optimizer.lr"], options["model.hidden"]) for options in named]


@pytest.mark.parametrize("script", ["sweep_loop.sh", "sweep_parallel.sh"])
def test_each_combination_is_trained_once_without_test_score(sweep, script):
    done, trained, after, lines = sweep(script, "data.path=a b.csv", "name=A LINE BASELINE")
    assert done.returncode == 0, done.stderr
    assert sorted(combinations(trained)) == sorted(COMBINATIONS)
    for call in trained:
        assert call[1] == "my config.yaml"
        assert {"train.test=false", "data.path=a b.csv", "name=A LINE BASELINE", "--json"} < set(call)
    assert len(lines) == len(COMBINATIONS)
    assert after[-1] == ["eval", "runs/a b"]
    assert [call[0] for call in after] == ["list", "list", "eval"]


@pytest.mark.parametrize("script", ["sweep_loop.sh", "sweep_parallel.sh"])
def test_runs_that_fail_or_die_cost_no_other_run_and_are_told(sweep, script):
    done, trained, after, lines = sweep(script, FAILING="", CRASHING="")
    assert done.returncode == 83
    assert sorted(combinations(trained)) == sorted(COMBINATIONS)
    assert sorted(line.get("code", 0) for line in lines) == [0, 0, 80, 137]
    assert "2 of 4 runs failed" in done.stderr
    assert re.search(r"failed with code 80: .*\n    no loss\n", done.stderr)
    assert re.search(r"failed with code 137: .*\n    it said nothing\n", done.stderr)
    assert after[-1][0] == "eval"


def test_where_all_runs_fail_there_is_no_winner(sweep, tmp_path):
    problems = [{"key": "model.hidden", "message": 'too "wide"'}, {"key": "seed", "message": "too odd"}]
    error = {"error": "DLTK-CONFIG", "code": 2, "message": "2 problems", "problems": problems}
    (tmp_path / "dltk").write_text(f"#!/bin/bash\nprintf '%s\\n' '{json.dumps(error)}'; exit 2\n")
    done, _, after, lines = sweep("sweep_loop.sh")
    assert (done.returncode, after, len(lines)) == (83, [], 4)
    assert done.stderr.count('\n    model.hidden: too "wide"\n') == 4


def test_failures_of_an_earlier_sweep_in_the_same_folder_do_not_count(sweep):
    assert sweep("sweep_loop.sh", FAILING="")[0].returncode == 83
    done, _, _, lines = sweep("sweep_loop.sh")
    assert (done.returncode, done.stderr, len(lines)) == (0, "", 8)


def test_a_stop_ends_the_loop_at_once(sweep, tmp_path):
    (tmp_path / "dltk").write_text("#!/bin/bash\nexit 130\n")
    done, *_, lines = sweep("sweep_loop.sh")
    assert (done.returncode, lines) == (130, [])


def test_runs_at_once_share_the_cores(sweep):
    _, trained, *_ = sweep("sweep_parallel.sh", JOBS="1000")
    assert all("train.threads=1" in call for call in trained)


def test_without_a_task_the_array_prints_its_tasks(sweep):
    done, trained, after, lines = sweep("sweep_array.sh")
    assert done.stdout.splitlines()[1] == "1: optimizer.lr=0.001 model.hidden=[64, 64]"
    assert len(done.stdout.splitlines()) == 4
    assert (trained, after, lines) == ([], [], [])


@pytest.mark.parametrize("variable", ["TASK_ID", "SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX"])
def test_a_task_trains_its_own_run(sweep, variable):
    done, trained, after, lines = sweep("sweep_array.sh", "seed=1", **{variable: "2"})
    assert done.returncode == 0, done.stderr
    assert combinations(trained) == [("0.01", "[16]")]
    assert "seed=1" in trained[0]
    assert (after, lines) == ([], [])


@pytest.mark.parametrize("task", ["4", "-1", "01", "abc"])
def test_a_task_that_there_is_not_is_an_error_that_names_the_others(sweep, task):
    done, trained, *_ = sweep("sweep_array.sh", TASK_ID=task)
    assert (done.returncode, trained) == (2, [])
    assert done.stderr == f"there is no task {task}; they are 0 to 3, or finish\n"


def test_a_task_fails_with_its_run_and_counts_as_it_went_last(sweep):
    assert sweep("sweep_array.sh", TASK_ID="0", FAILING="")[0].returncode == 80
    for task in range(3):
        sweep("sweep_array.sh", TASK_ID=str(task))
    done, *_, lines = sweep("sweep_array.sh", TASK_ID="finish")
    assert done.returncode == 83
    assert "1 of 4 runs failed" in done.stderr
    assert [line.get("error") for line in lines] == [None, None, None, "task 3 was not trained"]


def test_the_array_is_finished_once_for_all_tasks(sweep):
    for task in range(4):
        sweep("sweep_array.sh", TASK_ID=str(task))
    done, trained, after, lines = sweep("sweep_array.sh", TASK_ID="finish")
    assert (done.returncode, len(trained), len(lines)) == (0, 4, 4)
    assert after[-1] == ["eval", "runs/a b"]


def test_a_copy_of_the_array_script_finds_its_folder(sweep, tmp_path):
    copy = shutil.copy(SCRIPTS / "sweep_array.sh", tmp_path)
    submitted = {"SLURM_SUBMIT_DIR": str(SCRIPTS.parent), "SLURM_ARRAY_TASK_ID": "0"}
    done, trained, *_ = sweep(copy, **submitted)
    assert done.returncode == 0, done.stderr
    assert len(trained) == 1


def test_without_a_config_a_script_says_what_is_missing(sweep):
    done = subprocess.run([SCRIPTS / "sweep_loop.sh"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "give a CONFIG" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("script", ["sweep_loop.sh", "sweep_parallel.sh"])
def test_a_real_sweep_ends_with_the_winner_scored_once(tmp_path, script):
    dltk = shutil.which("dltk", path=Path(sys.executable).parent)
    assert dltk
    config = SCRIPTS.parent / "configs" / "start" / "digits_mlp.yaml"
    environment = {**os.environ, "RUNS": str(tmp_path / "runs"), "DLTK": dltk}
    command = [SCRIPTS / script, config, "train.epochs=1", "train.threads=1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in (tmp_path / "runs" / "results.jsonl").read_text().splitlines()]
    assert {len(results), len({line["run"] for line in results})} == {4}
    assert all(name.startswith("val/") for line in results for name in line["scores"])
    table, winner = done.stdout.split("\n\n", 1)
    _, first, *_ = table.splitlines()
    best = max(results, key=lambda line: (line["scores"]["val/accuracy"], -line["scores"]["val/loss"]))
    assert Path(best["run"]).name in first
    assert winner.count("test/accuracy") == 1
