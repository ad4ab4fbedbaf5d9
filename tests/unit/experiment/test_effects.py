"""What no option may do in vain: refused where it contradicts, told where the run is too short for it."""

import pytest
import torch
from torch import nn

from dltk.config.settings import SettingsError
from dltk.data.specs import Classes, Image, Spec
from dltk.experiment import effects
from dltk.experiment.building import with_length
from dltk.experiment.config import read_experiment
from dltk.experiment.effects import contradictions, notes, oversized_batch
from dltk.experiment.learning import session_for
from dltk.training.schedules import SCHEDULES
from tests.unit.experiment.test_foresight import DIGITS

SPEC = Spec({"image": Image(3, 100, 100)}, {"label": Classes(("a", "b", "c"))})


def told(num_batches=20, **changes):
    experiment = with_length(read_experiment({**DIGITS, **changes}), num_batches)
    model = nn.Linear(2, 3)
    return notes(experiment, session_for(experiment, torch.device("cpu"), num_batches), model)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train": {"epochs": 3}}, []),
        (
            {"train": {"epochs": 0}, "early_stopping": {}},
            ["note: nothing is trained, so that optimizer, schedule and early stopping have no effect"],
        ),
        (
            {"train": {"epochs": 2, "evaluate_every": 41}},
            ["note: train.evaluate_every: 41 is never reached, the run has 40 steps; it is scored once, at the end"],
        ),
        ({"train": {"epochs": 2, "evaluate_every": 40}}, []),
        (
            {"train": {"epochs": 2}, "checkpoint": {"every_steps": 50}},
            ["note: checkpoint.every_steps: 50 is never reached, the run has 40 steps"],
        ),
        (
            {"train": {"epochs": 6}, "early_stopping": {}},
            ["note: early_stopping.patience: 5 stops nothing, the val split is scored 6 times"],
        ),
        ({"train": {"epochs": 7}, "early_stopping": {}}, []),
        (
            {"train": {"steps": 100, "evaluate_every": 50}, "early_stopping": {"patience": 1}},
            ["note: early_stopping.patience: 1 stops nothing, the val split is scored 2 times"],
        ),
    ],
)
def test_what_a_run_is_too_short_for_is_told(changes, expected):
    assert told(**changes) == expected


def test_nothing_is_told_of_a_length_nobody_knows():
    assert notes(read_experiment({**DIGITS, "early_stopping": {}}), None, None) == []


OWN = [{"match": "weight", "lr": 0.1}, {"match": "b*", "lr": 1, "weight_decay": 0.5}]


@pytest.mark.parametrize(
    ("groups", "options", "unused"),
    [
        (OWN, {}, ["lr"]),
        (OWN[:1], {}, []),
        ([*OWN[:1], {"match": "bias", "lr_factor": 2}], {}, []),
        ([{"match": "*", "weight_decay": 0.5}], {"weight_decay": 0.1}, ["weight_decay"]),
        ([{"match": "*", "weight_decay": 0.5}], {"weight_decay": 0}, []),
    ],
)
def test_what_no_parameter_takes_from_the_optimizer_is_told(groups, options, unused):
    optimizer = {"name": "adamw", **options, "groups": groups}
    said = told(optimizer=optimizer, train={"epochs": 9})
    assert said == [
        f"note: optimizer.{option} is never used: every parameter is in a group with one of its own"
        for option in unused
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"name": "diabetes"}, "these data have no classes to share out"),
        ({"name": "digits", "time": "hour"}, "the latest samples are kept aside"),
    ],
)
def test_equal_shares_are_switched_off_only_where_there_would_be_some(data, why):
    found = contradictions(read_experiment({**DIGITS, "data": {**data, "stratify": "off"}}))
    assert [(problem.key, problem.message) for problem in found] == [
        ("data.stratify", f"has no effect: {why}; leave it out")
    ]
    assert contradictions(read_experiment({**DIGITS, "data": {"name": "digits", "stratify": "off"}})) == []


def test_balance_needs_one_class_each():
    found = contradictions(read_experiment({**DIGITS, "data": {"name": "diabetes", "sampler": "balanced"}}))
    assert [(problem.key, problem.message) for problem in found] == [
        ("data.sampler", "balanced needs samples of one class each, which these data have not")
    ]
    assert contradictions(read_experiment({**DIGITS, "data": {"name": "digits", "sampler": "balanced"}})) == []


def test_a_batch_must_fit_the_machine(monkeypatch):
    monkeypatch.setattr(effects, "memory_bytes", lambda: 64 * 3 * 100 * 100 * 4)
    assert oversized_batch(SPEC, 64) == []
    (problem,) = oversized_batch(SPEC, 65)
    assert (problem.key, problem.id) == ("data.batch_size", "DLTK-CONFIG-MEMORY")
    monkeypatch.setattr(effects, "memory_bytes", lambda: None)
    assert oversized_batch(SPEC, 10**9) == []


@pytest.mark.parametrize(
    ("name", "options", "option"),
    [
        ("step", {"step_size": 3, "gamma": 1}, "gamma"),
        ("multistep", {"milestones": [2], "gamma": 1}, "gamma"),
        ("exponential", {"gamma": 1}, "gamma"),
        ("cosine", {"final": 1}, "final"),
        ("polynomial", {"final": 1}, "final"),
    ],
)
def test_a_schedule_that_changes_nothing_is_refused(name, options, option):
    with pytest.raises(SettingsError) as caught:
        SCHEDULES[name].parse({"name": name, **options})
    (problem,) = caught.value.problems
    assert problem.path == (option,)
    assert problem.message == "1 changes nothing; choose another, or leave the schedule out"
