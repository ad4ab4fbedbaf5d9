"""Building: initial weights by seed or by hand, what is watched, how long a run is, and what cannot be built."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import dltk
from dltk.config.errors import ConfigError
from dltk.experiment import RunOptions, oversize
from dltk.experiment.building import build, selection_for, total_steps
from dltk.experiment.config import read_experiment
from dltk.training.task import Direction

CPU = torch.device("cpu")
IRIS: dict[str, Any] = {"data": {"name": "iris"}, "model": {"name": "mlp", "hidden": [4]}}
GATE: dict[str, Any] = {"data": {"name": "logic_gate", "gate": "and"}, "model": {"name": "perceptron"}}


def built(config, **changes):
    return build(read_experiment({**config, **changes}), CPU)


def by_hand(**parameters):
    return built(GATE, model={"name": "perceptron", "parameters": parameters})


def problem(config, **changes):
    """Return the only problem that building finds."""
    with pytest.raises(ConfigError) as caught:
        built(config, **changes)
    (found,) = caught.value.problems
    return f"{found.key}: {found.message}"


def equal(first, second):
    pairs = zip(first.model.state_dict().values(), second.model.state_dict().values(), strict=True)
    return all(a.equal(b) for a, b in pairs)


# Initial weights.


def test_the_seed_decides_the_initial_weights():
    first = built(IRIS, seed=3)
    torch.rand(9)
    assert equal(built(IRIS, seed=3), first)
    assert not equal(built(IRIS, seed=4), first)


def test_the_seed_leaves_the_split_alone():
    def names(one):
        return one.splits.val.whole().inputs

    assert names(built(IRIS, seed=3)).equal(names(built(IRIS, seed=4)))
    other = {"name": "iris", "split_seed": 1}
    assert not names(built(IRIS, data=other)).equal(names(built(IRIS)))


def test_parameters_by_hand_are_taken():
    model = by_hand(weight=[[0.5, 0.25]], bias=[-0.75]).model
    assert (model.weight.tolist(), model.bias.tolist()) == ([[0.5, 0.25]], [-0.75])


def test_sizes_of_one_may_be_left_out():
    model = by_hand(weight=[0.5, 0.25], bias=-0.75).model
    assert (model.weight.tolist(), model.bias.tolist()) == ([[0.5, 0.25]], [-0.75])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"wieght": [[1, 1]]}, "there is no parameter 'wieght'; did you mean 'weight'?"),
        ({"weight": [[1, 1, 1]]}, "'weight' has another shape"),
        ({"bias": [[1, 2]]}, "'bias' has another shape"),
        ({"weight": [[1], [1, 2]]}, "'weight' must be nested lists of numbers of equal length"),
        ({"weight": "a"}, "'weight' must be nested lists of numbers of equal length"),
        ({"weight": None}, "'weight' must be nested lists of numbers of equal length"),
        ({"weight": [["a", "b"]]}, "'weight' must be nested lists of numbers of equal length"),
        ({"weight": {"a": 1}}, "'weight' must be nested lists of numbers of equal length"),
        ({"bias": [10**400]}, "'bias' must be nested lists of numbers of equal length"),
        ({"bias": [1e39]}, "'bias' must hold numbers that are finite in 32 bits"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters, message):
    (name,) = parameters
    model = {"name": "perceptron", "parameters": parameters}
    assert problem(GATE, model=model) == f"model.parameters.{name}: {message}"


def test_transposed_weights_are_refused_and_not_reshaped():
    weights = {"layers.0.weight": [[0.0] * 3] * 2}  # (inputs, units): the other way round
    config = {"name": "mlp", "hidden": [3], "parameters": weights}
    assert "has another shape" in problem(GATE, model=config)


# Absurd sizes.


@pytest.mark.parametrize("hidden", [[10**9], [10**9, 10**9], [10**7, 10**7]])
def test_a_model_larger_than_memory_is_refused_before_it_takes_any(monkeypatch, hidden):
    monkeypatch.setattr(oversize, "memory_bytes", lambda: 2**34)
    message = problem(IRIS, model={"name": "mlp", "hidden": hidden})
    assert message.startswith("model: has ")
    assert message.endswith("; choose smaller layers")


# What is watched.


def selection(config, **changes):
    one = built(config, **changes)
    return one.selection()


def refused(config, **changes):
    with pytest.raises(ConfigError) as caught:
        selection(config, **changes)
    (found,) = caught.value.problems
    return f"{found.key}: {found.message}"


def test_the_first_score_on_val_is_watched_by_default():
    one = selection(IRIS)
    assert (one.monitor, one.direction) == ("val/accuracy", "max")


def test_the_monitor_brings_its_direction():
    one = selection(IRIS, early_stopping={"monitor": "val/loss"})
    assert (one.monitor, one.direction) == ("val/loss", "min")


def test_without_a_val_split_nothing_is_watched():
    assert selection(GATE).monitor is None


def test_early_stopping_without_a_val_split_is_refused():
    assert refused(GATE, early_stopping={}) == (
        "early_stopping: there is no val split to choose by; set data.val_fraction, or leave this out"
    )
    assert refused(GATE, train={"select": "best"}).startswith("train.select: there is no val split")


def test_an_unknown_monitor_is_refused():
    message = refused(IRIS, early_stopping={"monitor": "accuracy"})
    assert message.startswith("early_stopping.monitor: no such score; did you mean 'val/accuracy'?")


class Scoreless:
    """A task that reports nothing."""

    scores: dict[str, Direction] = {}


def test_a_task_without_scores_is_not_watched():
    one = built(IRIS)
    task: Any = Scoreless()
    assert selection_for(one.experiment, task, has_val=True).monitor is None
    impatient = read_experiment({**IRIS, "early_stopping": {}})
    with pytest.raises(ConfigError) as caught:
        selection_for(impatient, task, has_val=True)
    assert caught.value.problems[0].message == "classification reports no score to choose by; leave this out"


# How long a run is.


class Stream:
    """Batches of unknown length."""

    num_samples = None
    num_batches = None


@pytest.mark.parametrize(("train", "expected"), [({"epochs": 3}, 6), ({"steps": 7}, 7), ({"epochs": 0}, 0)])
def test_the_length_follows_from_epochs_or_steps(train, expected):
    one = built(IRIS, train=train, data={"name": "iris", "batch_size": 64})
    assert one.splits.train.num_batches == 2
    assert total_steps(one.experiment, one.splits.train.num_batches) == expected


def test_a_schedule_that_needs_the_length_of_a_stream_is_refused():
    one = built(IRIS)
    stream: Any = Stream()
    splits = replace(one.splits, train=stream)
    assert total_steps(one.experiment, splits.train.num_batches) is None
    cosine = read_experiment({**IRIS, "schedule": {"name": "cosine"}})
    with pytest.raises(ConfigError) as caught:
        total_steps(cosine, splits.train.num_batches)
    (found,) = caught.value.problems
    assert found.key == "schedule"
    assert found.message == "needs a known length; these data are a stream: give train.steps"
    assert (
        total_steps(
            read_experiment({**IRIS, "schedule": {"name": "cosine"}, "train": {"steps": 5}}), splits.train.num_batches
        )
        == 5
    )


def test_small_data_are_seen_more_often_where_the_length_was_left_open():
    one = built(IRIS)  # 108 training samples are two batches of at most 64
    assert one.experiment.sections.train.epochs == 500
    assert "train.epochs: 500" in one.experiment.inferred
    assert built({**IRIS, "train": {"steps": 7}}).experiment.sections.train.epochs is None
    large = built({**IRIS, "data": {"name": "iris", "batch_size": 1}})
    assert large.experiment.sections.train.epochs == 10


def test_balanced_class_weights_are_written_out_and_go_on_as_they_are(folder):
    config = {**GATE, "task": {"name": "classification", "class_weights": "balanced"}}
    run = dltk.train(config, ["train.epochs=1"], RunOptions(folder / "run", quiet=True))
    assert run.experiment.task.options.class_weights == {"0": pytest.approx(2 / 3), "1": pytest.approx(2.0)}
    again = dltk.train(config, ["train.epochs=2"], RunOptions(folder / "run", resume="auto", quiet=True))
    assert again.status["epoch"] == 2
