"""Every model with every task that fits learns the same bits whether or not its passes are replayed."""

import copy
from typing import Any

import pytest
import torch

from dltk.config import registry
from dltk.experiment.compatibility import fits_task
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.replay import passes
from dltk.training.session import Session
from tests.contracts.examples import shipped
from tests.contracts.model_examples import SPECS
from tests.contracts.roles import random_batch
from tests.contracts.test_models import BUILT, NO_PREPARATION, made
from tests.threads import one_thread

__all__ = ["one_thread"]
STEPS = 5
SESSION = Session(0, torch.device("cpu"), STEPS)


def fitting(name: str, key: str) -> list[str]:
    """Return the tasks for which a model learns by gradients."""
    config = registry.load("models", name).Config
    return [
        task
        for task in shipped("tasks")
        if SPECS[key].targets and fits_task(SPECS[key], config, registry.load("tasks", task).Config)
    ]


def is_estimator(name: str) -> bool:
    return bool(registry.load("models", name).Config.role == "estimator")


CASES = [(name, key, task) for name, key in BUILT if not is_estimator(name) for task in fitting(name, key)]
NEVER = {"bags": "samples have sizes of their own"}


@pytest.fixture
def played(monkeypatch):
    """Count the passes that were replayed; they are from the third one of a shape on."""
    monkeypatch.setattr(passes, "PASSES_BEFORE", 0)
    seen = []
    over = passes.Replays.over

    def watched(self, batch):
        found = over(self, batch)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(passes.Replays, "over", watched)
    return seen


def learned(model: Any, task: Any, batches: Any, *, replay: bool) -> Any:
    settings = OptimizationSettings({"": SGD(lr=0.01, momentum=0.9)}, replay=replay)
    learner = task.learner(model, settings, SESSION)
    for _ in learner.epoch(iter(batches)):
        pass
    return model.state_dict(), learner.scores()


@pytest.mark.parametrize(("name", "key", "task"), CASES)
def test_replayed_passes_leave_the_bits_of_usual_ones(name, key, task, played):
    spec, file = SPECS[key], registry.load("tasks", task)
    model = made(name, spec)
    batches = [random_batch(spec, 6, seed=seed) for seed in range(STEPS)]
    weights, scores = learned(
        copy.deepcopy(model), file.build(file.Config(), spec, NO_PREPARATION), batches, replay=False
    )
    assert played == []
    replayed, told = learned(model, file.build(file.Config(), spec, NO_PREPARATION), batches, replay=True)
    assert told == scores
    assert all(torch.equal(weights[each], replayed[each]) for each in weights)
    is_played = key.partition("_")[0] not in NEVER
    assert played == ([] if task == "gan" else [False, False, *[is_played] * (STEPS - 2)])  # which has its own learner
