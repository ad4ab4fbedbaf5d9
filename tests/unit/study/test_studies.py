"""Many runs: seeds and folds, their directories, and the mean and spread of their scores."""

import json
import math
import statistics
from typing import Any

import pytest
import torch
import yaml

from dltk.config.errors import ConfigError
from dltk.experiment import RunOptions
from dltk.study.cross_validation import cross_validate
from dltk.study.seeds import over_seeds
from dltk.study.spread import Spread
from tests.commands import contents, record, weights, write_table

TABLE: dict[str, Any] = {
    "name": "table",
    "data": {"name": "csv", "path": "table.csv", "target": "kind", "test_fraction": 0},
    "model": {"name": "linear"},
    "train": {"epochs": 2, "threads": 1},
    "tensorboard": None,
}
QUIET = RunOptions(quiet=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current directory, which holds table.csv; the number of threads stays as it was."""
    before = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "table.csv")
    yield tmp_path
    torch.set_num_threads(before)


def val_rows(run):
    """Return what the user calls the samples of the val split, read the way a run reads them."""
    from dltk.data.splits import split_parts
    from dltk.experiment.config import read_experiment

    experiment = read_experiment(run.path / "resolved.yaml")
    parts, _ = split_parts(experiment.data.file.read(experiment.data.options), experiment.data.common)
    return set(parts["val"].names), set(parts["train"].names)


def test_each_sample_is_in_the_val_split_of_exactly_one_fold():
    spread = cross_validate(TABLE, (), 4, QUIET)
    parts = [val_rows(run) for run in spread.runs]
    everything = {f"row {i}" for i in range(1, 61)}
    assert sorted(name for val, _ in parts for name in val) == sorted(everything)
    assert all(val | train == everything and not val & train for val, train in parts)


def test_folds_never_see_the_test_split(folder):
    source = {**TABLE, "data": {**TABLE["data"], "test_fraction": 0.2}}
    spread = cross_validate(source, (), 3, QUIET)
    tested = {f"row {i}" for i in range(1, 61)}.difference(*(val | train for val, train in map(val_rows, spread.runs)))
    assert len(tested) == 12
    assert set(spread.values()) == {"val/accuracy", "val/loss"}
    for run in spread.runs:
        assert "test" not in json.dumps([dict(run.status), record(run.path)])


def test_scaling_is_fitted_anew_on_the_training_samples_of_each_fold():
    spread = cross_validate(TABLE, (), 3, QUIET)
    means = {json.dumps(run.preparation.state()["columns"][0]) for run in spread.runs}
    assert len(means) == 3


def test_the_last_weights_of_a_fold_are_scored_unless_the_best_are_asked_for():
    last = cross_validate(TABLE, (), 2, QUIET)
    assert {run.experiment.sections.train.select for run in last.runs} == {"last"}
    in_the_config = cross_validate({**TABLE, "train": {**TABLE["train"], "select": "best"}}, (), 2, QUIET)
    assert {run.experiment.sections.train.select for run in in_the_config.runs} == {"best"}
    in_an_override = cross_validate(TABLE, ["train.select=best"], 2, QUIET)
    assert {run.experiment.sections.train.select for run in in_an_override.runs} == {"best"}


def test_a_val_fraction_in_the_config_gives_way_to_the_folds():
    source = {**TABLE, "data": {**TABLE["data"], "val_fraction": 0.3}}
    assert cross_validate(source, (), 3, QUIET).values() == cross_validate(TABLE, (), 3, QUIET).values()


def test_more_folds_than_samples_are_refused(folder):
    with pytest.raises(ConfigError, match="1 problem") as caught:
        cross_validate(TABLE, (), 61, QUIET)
    assert "k from 2 to 60" in str(caught.value)
    assert not (folder / "runs").exists()


def test_folds_go_into_one_new_directory_under_the_experiments_name(folder):
    spread = cross_validate(TABLE, (), 2, QUIET)
    (parent,) = (folder / "runs" / "table").iterdir()
    assert [run.path for run in spread.runs] == [parent / "fold-0", parent / "fold-1"]


def test_the_name_in_a_file_counts_more_than_the_files_own(folder):
    (folder / "other.yaml").write_text(yaml.safe_dump(TABLE))
    spread = over_seeds("other.yaml", (), 1, QUIET)
    assert spread.runs[0].path.parent.parent == folder / "runs" / "table"


def test_seeds_share_one_split_and_differ_in_their_weights():
    spread = over_seeds(TABLE, (), 2, QUIET)
    assert val_rows(spread.runs[0]) == val_rows(spread.runs[1])
    assert weights(spread.runs[0].path) != weights(spread.runs[1].path)


def test_a_study_that_was_stopped_trains_only_what_is_missing(folder):
    options = RunOptions(folder / "study", quiet=True)
    first = over_seeds(TABLE, (), 1, options).runs[0]
    before = contents(first.path)
    both = over_seeds(TABLE, (), 2, options)
    assert contents(first.path) == before
    assert both.runs[1].status["state"] == "completed"


def test_each_run_of_a_study_is_announced(capsys):
    over_seeds(TABLE, (), 2, RunOptions())
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("seed ")] == ["seed 0 (1 of 2)", "seed 1 (2 of 2)"]


def test_mean_and_deviation_are_those_of_the_runs():
    spread = over_seeds(TABLE, (), 3, QUIET)
    losses = [run.scores["val/loss"] for run in spread.runs]
    scores = spread.as_json()["scores"]["val/loss"]
    assert scores == {"mean": statistics.fmean(losses), "sd": statistics.stdev(losses), "values": losses}
    *_, mean, deviation, where = spread.lines()
    assert mean.split()[2] == f"{statistics.fmean(losses):.4f}"
    assert deviation.split()[0] == "sd"
    assert where == f"runs: {spread.runs[0].path.parent.relative_to(spread.runs[0].path.parents[3])}"


def test_an_undefined_score_makes_an_undefined_mean_and_is_not_left_out():
    spread = over_seeds(TABLE, (), 2, QUIET)
    broken = spread.runs[1].directory
    status = broken.status()
    broken.write_status({**status, "scores": {**status["scores"], "val/loss": math.nan}})
    spread = Spread("seed", ["0", "1"], spread.runs)
    assert math.isnan(spread.as_json()["scores"]["val/loss"]["mean"])
    assert "undefined" in spread.lines()[-3]


def test_early_stopping_does_not_watch_the_fold_that_is_reported(folder):
    stopping = {**TABLE, "early_stopping": {"patience": 1}, "train": {"epochs": 9, "threads": 1}}
    plain = cross_validate(stopping, [], 2, RunOptions(folder / "plain", quiet=True)).runs
    assert [len(run.history) for run in plain] == [9, 9]
    asked = cross_validate(stopping, ["train.select=best"], 2, RunOptions(folder / "asked", quiet=True)).runs
    assert all(run.experiment.sections.early_stopping is not None for run in asked)
