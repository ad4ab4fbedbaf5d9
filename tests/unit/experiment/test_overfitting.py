"""Overfitting on purpose: long enough to tell, and what is told."""

import pytest

from dltk.config.sections import TrainOptions
from dltk.experiment.overfitting import long_enough, verdict


@pytest.mark.parametrize(
    ("asked", "num_batches", "epochs"),
    [
        ({"epochs": 1}, 2, 150),
        ({"epochs": 0}, 7, 43),
        ({"steps": 10}, 3, 100),
        ({"epochs": 20, "accumulate": 2}, 2, 300),
        ({"epochs": 20, "accumulate": 4}, 6, 150),
    ],
)
def test_too_short_a_training_gets_300_updates(asked, num_batches, epochs):
    train = long_enough(TrainOptions.parse({**asked, "overfit_batches": num_batches}), num_batches)
    assert (train.epochs, train.steps) == (epochs, None)


@pytest.mark.parametrize("asked", [{"epochs": 150}, {"epochs": 1000}, {"steps": 300}, {"steps": 100_000}])
def test_a_longer_training_stays_as_it_was_asked_for(asked):
    train = TrainOptions.parse(asked)
    assert long_enough(train, 2) == train


def record(*losses):
    return [{"step": step, "train/loss": loss} for step, loss in enumerate(losses)]


def test_a_loss_that_falls_below_a_tenth_shows_that_a_model_can_learn():
    assert verdict(record(2, 1, 0.19), 1) == "the loss fell from 2.0000 to 0.1900 on 1 batch: it can learn"


@pytest.mark.parametrize("last", [0.2, 1, 3])
def test_any_other_loss_says_where_to_look(last):
    found = verdict(record(2, 0.01, last), 4)
    assert found.startswith(f"the loss went from 2.0000 to {last:.4f} on 4 batches and not below a tenth: look at ")


@pytest.mark.parametrize("rows", [[], record(1), record(0, 0), record(None, None), [{"step": 1}, {"step": 2}]])
def test_without_a_loss_that_could_fall_nothing_is_said(rows):
    assert verdict(rows, 2) == ""
