"""Options of optimizer, schedule and training that fit neither model, data nor device, with their places."""

from typing import Any

import pytest
import torch

from dltk.config.errors import ConfigError
from dltk.experiment.building import build
from dltk.experiment.config import read_experiment
from dltk.experiment.learning import make_learner

CPU = torch.device("cpu")
IRIS: dict[str, Any] = {"data": {"name": "iris"}, "model": {"name": "mlp", "hidden": [4]}, "train": {"epochs": 5}}
GAN: dict[str, Any] = {"data": {"name": "digits"}, "model": {"name": "gan", "width": 8}, "train": {"epochs": 2}}


def learner(config, **changes):
    return make_learner(build(read_experiment({**config, **changes}), CPU), CPU)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (
            IRIS,
            {"train": {"epochs": 5, "precision": "tf32"}},
            "train.precision: tf32 needs a CUDA device; this run com",
        ),
        (
            IRIS,
            {"optimizer": {"groups": [{"match": "hed.*", "lr": 0.1}]}},
            "optimizer.groups.0.match: no parameter that learns matches 'hed.*'",
        ),
        (IRIS, {"schedule": {"name": "step", "step_size": 5}}, "schedule.step_size: epoch 5 is not before the end of"),
        (
            IRIS,
            {"schedule": {"name": "multistep", "milestones": [2, 7]}},
            "schedule.milestones.1: epoch 7 is not before the end of the run, which has 5 epochs",
        ),
        (
            IRIS,
            {"schedule": {"name": "plateau", "patience": 9}},
            "schedule.patience: the rate falls after evaluation 11 at the earliest; the run has 5",
        ),
        (
            IRIS,
            {"schedule": {"name": "plateau", "monitor": "val/acuracy", "patience": 1}},
            "schedule.monitor: no such score; did you mean 'val/accuracy'?",
        ),
        (
            IRIS,
            {"schedule": {"name": "plateau"}, "data": {"name": "iris", "val_fraction": 0}},
            "schedule.name: plateau reacts to a val score and there is none; set data.val_fraction",
        ),
        (
            IRIS,
            {"train": {"epochs": 5, "accumulate": 3}},
            "train.accumulate: an epoch has only 2 batches",
        ),
        (
            IRIS,
            {"train": {"steps": 1, "accumulate": 2}},
            "train.accumulate: the run has only 1 batch",
        ),
        (GAN, {"train": {"epochs": 2, "accumulate": 2}}, "train.accumulate: rounds say when each network is updated"),
        (GAN, {"optimizer": {"name": "gd"}}, "optimizer: gd makes one update per epoch, and rounds say when"),
        (
            GAN,
            {"optimizer": {"generator": {"name": "adam", "groups": [{"match": "x", "lr": 1}]}}},
            "optimizer.generator.groups.0.match: no parameter that learns matches 'x'",
        ),
    ],
)
def test_what_does_not_fit_is_a_problem_with_its_place(config, changes, message):
    with pytest.raises(ConfigError) as caught:
        learner(config, **changes)
    (problem,) = caught.value.problems
    assert f"{problem.key}: {problem.message}".startswith(message)


@pytest.mark.parametrize("schedule", ["one_cycle", "plateau"])
def test_where_nothing_is_trained_no_schedule_is_asked_for_its_effect(schedule):
    learner(IRIS, schedule={"name": schedule}, train={"epochs": 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"optimizer": {"name": "gd"}, "train": {"accumulate": 2}},
            "train.accumulate: gd makes one update per epoch; leave accumulate out",
        ),
        (
            {"model": {"name": "ridge"}, "data": {"name": "diabetes"}, "train": {"ema": 0.9}},
            "train.ema: ridge is fitted in one pass, without gradients; leave ema out",
        ),
    ],
)
def test_contradictions_are_found_before_data_are_read(changes, message):
    with pytest.raises(ConfigError) as caught:
        read_experiment({**IRIS, **changes})
    (problem,) = caught.value.problems
    assert f"{problem.key}: {problem.message}" == message


def test_options_of_training_reach_the_learner():
    found: Any = learner(IRIS, train={"epochs": 5, "accumulate": 2, "ema": 0.9, "precision": "bf16"})
    assert found.inference_model() is not found.training_model()
    assert found._batches_per_update == 2
    assert found._precision == "bf16"
