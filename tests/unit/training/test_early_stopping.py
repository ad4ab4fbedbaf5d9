"""Selection: which evaluation was the best, and when patience ends."""

import math

import pytest
import torch
from torch import nn

from dltk.training.early_stopping import Selection

MODEL = nn.Linear(1, 1)


def watched(scores, direction="max", **options):
    """Return a selection that has seen these scores, one every ten steps."""
    selection = Selection("val/score", direction, **options)
    for i, score in enumerate(scores, 1):
        selection.update({"val/score": score, "train/loss": 0.0}, 10 * i, MODEL)
    return selection


@pytest.mark.parametrize(
    ("scores", "direction", "best_step"),
    [
        ([0.1, 0.3, 0.2], "max", 20),
        ([0.1, 0.3, 0.2], "min", 10),
        ([-5.0, -3.0], "max", 20),
        ([0.5, 0.5], "max", 10),
        ([0.5, 0.5], "min", 10),
        ([math.nan, 0.1], "max", 20),
        ([0.1, math.nan], "max", 10),
        ([0.1, math.inf], "max", 10),
        ([0.1, -math.inf], "min", 10),
        ([math.nan, math.inf], "max", None),
        ([], "max", None),
    ],
)
def test_the_first_of_the_best_finite_scores_is_the_best(scores, direction, best_step):
    assert watched(scores, direction).best_step == best_step


def test_a_broken_score_is_never_the_best():
    selection = watched([math.nan, math.nan])
    assert (selection.best_step, selection.pending) == (None, None)
    assert math.isnan(selection.best_score)


def test_a_score_that_is_missing_counts_as_broken():
    selection = Selection("val/score", patience=1)
    selection.update({"val/other": 1.0}, 10, MODEL)
    assert (selection.best_step, selection.should_stop) == (None, True)


@pytest.mark.parametrize(
    ("scores", "stops"),
    [
        ([0.1, 0.2, 0.3, 0.4], False),
        ([0.4, 0.3, 0.2], True),
        ([0.4, 0.3, 0.5, 0.4], False),
        ([0.4, 0.4, 0.4], True),
        ([0.4, math.nan, math.nan], True),
        ([math.nan, math.nan], True),
        ([math.nan, 0.1, math.nan], False),
    ],
)
def test_it_stops_after_two_evaluations_without_improvement(scores, stops):
    assert watched(scores, patience=2).should_stop is stops


def test_without_patience_it_never_stops():
    assert not watched([0.5] * 1000).should_stop


@pytest.mark.parametrize(
    ("scores", "stops"),
    [([1.0, 1.25, 1.5], False), ([1.0, 1.125, 1.1875], True), ([1.0, 1.125, 1.25], False)],
)
def test_only_a_change_of_min_delta_resets_patience(scores, stops):
    assert watched(scores, patience=2, min_delta=0.25).should_stop is stops


def test_the_best_is_the_best_even_where_it_did_not_reset_patience():
    selection = watched([1.0, 1.125], patience=1, min_delta=0.25)
    assert (selection.best_step, selection.best_score, selection.should_stop) == (20, 1.125, True)


def test_the_weights_of_the_best_are_copies():
    model = nn.Linear(1, 1)
    before = model.weight.detach().clone()
    selection = Selection("val/score")
    selection.update({"val/score": 1.0}, 10, model)
    with torch.no_grad():
        model.weight += 1
    assert selection.pending is not None
    assert selection.pending.weights["weight"].equal(before)
    assert selection.pending.score == 1.0


@pytest.mark.parametrize("num_before", range(6))
def test_a_restored_selection_goes_on_as_if_nothing_had_happened(num_before):
    scores = [0.2, math.nan, 0.5, 0.5, 0.4, 0.3]
    whole = watched(scores, patience=3)
    restored = Selection("val/score", "max", patience=3)
    restored.load_state_dict(watched(scores[:num_before], patience=3).state_dict())
    assert restored.pending is None
    for i, score in enumerate(scores[num_before:], num_before + 1):
        restored.update({"val/score": score}, 10 * i, MODEL)
    assert repr(restored.state_dict()) == repr(whole.state_dict())
    assert restored.should_stop is whole.should_stop is True


def test_nothing_is_watched_without_a_monitor():
    selection = Selection(None, patience=1)
    selection.update({"val/score": 1.0}, 10, MODEL)
    assert (selection.best_step, selection.pending, selection.should_stop) == (None, None, False)


@pytest.mark.parametrize(
    ("evaluations", "best_step"),
    [
        ([(0.9, 0.5), (0.9, 0.3), (0.9, 0.4)], 20),
        ([(0.9, 0.3), (0.8, 0.1)], 10),
        ([(0.9, math.nan), (0.9, 0.7)], 20),
        ([(0.9, 0.3), (0.9, math.nan), (0.9, 0.3)], 10),
    ],
)
def test_of_equal_scores_the_one_with_the_smallest_loss_is_the_best(evaluations, best_step):
    selection = Selection("val/score", loss="val/loss", patience=9)
    for i, (score, loss) in enumerate(evaluations, 1):
        state = selection.state_dict()
        selection = Selection("val/score", loss="val/loss", patience=9)
        selection.load_state_dict(state)
        selection.update({"val/score": score, "val/loss": loss}, 10 * i, MODEL)
    assert selection.best_step == best_step


def test_a_smaller_loss_does_not_reset_patience():
    selection = Selection("val/score", loss="val/loss", patience=1)
    selection.update({"val/score": 0.9, "val/loss": 0.5}, 10, MODEL)
    selection.update({"val/score": 0.9, "val/loss": 0.4}, 20, MODEL)
    assert (selection.best_step, selection.should_stop) == (20, True)
