"""`dltk list runs`: newest first, or best first by a score, with what tells them apart."""

import json
import re

import pytest

from dltk.training.runs.rundir import RunDir
from tests.commands import QUIET


@pytest.fixture
def sweep(dltk, folder):
    """Train iris with three learning rates, without test scores; return the run directories."""
    rates = ["0.1", "0.001", "0.03"]
    return {rate: dltk.trained("iris.yaml", f"optimizer.lr={rate}", "train.test=false") for rate in rates}


def test_no_runs_yet(dltk):
    assert dltk.ok("list", "runs").out == "no runs yet in runs\n"
    assert dltk.ok("list", "runs", "--sort", "val/accuracy").out == "no runs yet in runs\n"
    assert dltk.ok("list", "runs", "--json").json == {"runs": []}


def test_runs_are_listed_newest_first_with_state_and_scores(dltk, folder):
    (folder / "gan.yaml").write_text(
        "data: {name: digits}\nmodel: {name: gan}\ntrain: {steps: 1, threads: 1, test: false}\n" + QUIET
    )
    runs = [dltk.trained("iris.yaml"), dltk.trained("gan.yaml"), dltk.trained("iris.yaml")]
    expected = sorted(runs, key=lambda run: run.name, reverse=True)
    rows = dltk.ok("list", "runs", "--json").json["runs"]
    assert [row["run"] for row in rows] == [str(run.relative_to(folder)) for run in expected]
    assert {row["state"] for row in rows} == {"completed"}
    assert {row["name"] for row in rows} == {"iris", "gan"}
    header, *lines = dltk.ok("list", "runs").out.splitlines()
    assert header.split() == ["run", "state", "score", "test", "seconds"]
    assert all(re.search(r"completed  val/(accuracy|pixel_distance) \d+\.\d+", line) for line in lines)
    ranked = dltk.ok("list", "runs", "--sort", "val/accuracy").out
    assert ranked.endswith("left out: 1 without val/accuracy\n")
    assert sorted(bool(re.search(r"test/accuracy \d\.\d+", line)) for line in lines) == [False, True, True]


def test_runs_elsewhere_are_listed_by_their_directory(dltk):
    run = dltk.trained("iris.yaml", "--runs-dir", "elsewhere")
    assert run.name in dltk.ok("list", "runs", "--runs-dir", "elsewhere").out


def test_a_run_that_nobody_trains_any_more_is_not_running(dltk):
    run = dltk.trained("iris.yaml")
    RunDir(run).write_status({**RunDir(run).status(), "state": "running"})
    assert dltk.ok("list", "runs", "--json").json["runs"][0]["state"] == "killed"
    (run / "status.json").write_text("{")
    assert dltk.ok("list", "runs", "--json").json["runs"][0]["state"] == "damaged"


def test_the_best_run_comes_first_whether_large_or_small_is_good(dltk, sweep):
    by = {
        score: dltk.ok("list", "runs", "--sort", score, "--json").json["runs"] for score in ("val/accuracy", "val/loss")
    }
    for (score, rows), sign in zip(by.items(), (-1, 1), strict=True):
        values = [sign * row["scores"][score] for row in rows]
        assert values == sorted(values)
        assert len(rows) == len(sweep)
    best = dltk.ok("list", "runs", "--sort", "val/loss", "--top", 1, "--json").json["runs"]
    assert best == by["val/loss"][:1]
    assert re.search(r"val/loss \d", dltk.ok("list", "runs", "--sort", "val/loss").out)


def test_a_table_shows_the_overrides_that_differ_and_no_column_without_content(dltk, sweep, folder):
    header, *lines = dltk.ok("list", "runs").out.splitlines()
    assert header.split() == ["run", "state", "score", "seconds", "overrides"]
    for rate, run in sweep.items():
        (line,) = [line for line in lines if run.name in line]
        assert line.endswith(f" optimizer.lr={rate}")
    rows = dltk.ok("list", "runs", "--json").json["runs"]
    assert rows[0]["overrides"] == {"optimizer.lr": "0.03", "train.test": "false"}


def test_a_pattern_chooses_runs_by_name_or_path(dltk, folder):
    run, other = dltk.trained("iris.yaml"), dltk.trained("iris.yaml", "name=flowers")
    for pattern, expected in (("iris", run), ("flow*", other), (f"*/{run.name}", run), ("flowers/*", other)):
        (row,) = dltk.ok("list", "runs", pattern, "--json").json["runs"]
        assert folder / row["run"] == expected
    assert dltk.ok("list", "runs", "roses").out == "no runs like 'roses' in runs\n"


def test_a_run_that_did_not_finish_stands_with_its_best_evaluation(dltk):
    run = dltk.trained("iris.yaml", "train.epochs=4")
    status = json.loads((run / "status.json").read_text())
    kept = {key: status[key] for key in ("id", "name", "directions")}
    RunDir(run).write_status({**kept, "state": "stopped", "code": 130})
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    (found,) = dltk.ok("list", "runs", "--json").json["runs"]
    assert found["scores"]["val/accuracy"] == max(row["val/accuracy"] for row in rows)
    assert (found["state"], found["seconds"]) == ("stopped", rows[-1]["seconds"])


def test_a_score_that_no_run_has_is_an_error_with_a_suggestion(dltk, sweep):
    answer = dltk("list", "runs", "--sort", "val/acuracy")
    assert answer.code == 2
    assert "did you mean 'val/accuracy'?" in answer.err


def test_only_runs_are_sorted(dltk):
    assert dltk("list", "models", "--sort", "val/accuracy").code == 2


def test_components_and_configs_are_chosen_by_a_pattern_too(dltk):
    assert [row["name"] for row in dltk.ok("list", "models", "lenet*", "--json").json["models"]] == ["lenet"]
    (row,) = dltk.ok("list", "configs", "digits_mlp", "--json").json["configs"]
    assert row["config"].endswith("start/digits_mlp.yaml")
    assert dltk.ok("list", "models", "nothing*").out == "no models found like 'nothing*'\n"
