"""Runs side by side: which is best, and what tells them apart."""

import math

import pytest

from dltk.config.errors import UsageError
from dltk.training.runs.overview import Glance, best_first, comparable, distinguishing, rows

DIRECTIONS = {"accuracy": "max", "loss": "min"}


def glance(path, accuracy=None, loss=None, **facts):
    scores = {"val/accuracy": accuracy, "val/loss": loss}
    return Glance(path, state="completed", scores=scores, directions=DIRECTIONS, **facts)


def order(runs, score):
    return "".join(run.path for run in best_first(runs, score))


def test_the_score_knows_whether_large_or_small_is_good():
    runs = [glance("a", 0.5, 0.1), glance("b", 0.9, 0.3), glance("c", 0.7, 0.2)]
    assert order(runs, "val/accuracy") == "bca"
    assert order(runs, "val/loss") == "acb"


def test_of_equal_scores_the_smaller_loss_is_better():
    runs = [glance("a", 0.9, 0.4), glance("b", 0.9, math.nan), glance("c", 0.9, 0.3)]
    assert order(runs, "val/accuracy") == "cab"


def test_what_is_undefined_or_missing_comes_last():
    runs = [glance("a", None), Glance("b"), glance("c", 0.1), glance("d", math.nan)]
    assert order(runs, "val/accuracy") == "cabd"


def test_the_shortest_run_comes_first():
    runs = [glance("a", seconds=3.0), glance("b"), glance("c", seconds=2.0)]
    assert order(runs, "seconds") == "cab"


def test_a_score_that_no_run_has_is_refused():
    with pytest.raises(UsageError, match="did you mean 'val/loss'"):
        best_first([glance("a", 0.1)], "val/los")
    assert best_first([], "val/los") == []


def test_only_runs_with_the_score_compete_and_folds_only_among_each_other():
    whole, fold = glance("a", 0.5), glance("b", 0.9, overrides={"data.fold": "[0, 4]"})
    other = Glance("c", scores={"val/mae": 1.0}, directions={"mae": "min"}, seconds=1.0)
    assert comparable([fold, whole, other], "val/accuracy") == (
        [whole],
        {"without val/accuracy": 1, "of a cross-validation": 1},
    )
    assert comparable([fold, other], "val/accuracy") == ([fold], {"without val/accuracy": 1})
    assert comparable([fold, other], "seconds") == ([other], {"without seconds": 1})
    assert comparable([whole], "val/accuracy") == ([whole], {})


def test_only_overrides_that_are_not_the_same_in_all_runs_are_shown():
    shared = {"train.test": "false"}
    runs = [glance("a", overrides={**shared, "lr": "1"}), glance("b", overrides={**shared, "lr": "2", "seed": "3"})]
    assert distinguishing(runs) == [{"lr": "1"}, {"lr": "2", "seed": "3"}]
    assert [row["overrides"] for row in rows(runs)] == ["lr=1", "lr=2 seed=3"]
    assert distinguishing(runs[:1]) == [{}]


def test_empty_columns_are_left_out():
    (row,) = rows([glance("a", 0.5)])
    assert row == {"run": "a", "state": "completed", "score": "val/accuracy 0.5000", "seconds": ""}
