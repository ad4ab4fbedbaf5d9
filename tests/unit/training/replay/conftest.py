"""Learners whose passes are replayed as soon as two of them were compared."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

from dltk.data.batches import Batch
from dltk.training.learner import GradientLearner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.replay import passes
from dltk.training.session import Session

SGD_WITH_MOMENTUM = {"": SGD(lr=0.05, momentum=0.9)}
SESSION = Session(0, torch.device("cpu"), 100)


@dataclass
class Played:
    """Which passes were replayed, in order."""

    passes: list[bool] = field(default_factory=list)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Watch passes; those of a shape are replayed from its third on, and what these tests define counts as known."""
    seen, over = Played(), passes.Replays.over

    def watched(self: Any, batch: Batch) -> Any:
        found = over(self, batch)
        seen.passes.append(found is not None)
        return found

    monkeypatch.setattr(passes.Replays, "over", watched)
    monkeypatch.setattr(passes, "PASSES_BEFORE", 0)
    monkeypatch.setattr(passes, "KNOWN", {*passes.KNOWN, "tests"})
    return seen


def numbers(count: int, samples: int = 6, inputs: int = 5, outputs: int = 3) -> list[Batch]:
    """Return batches of random numbers."""
    made = torch.Generator().manual_seed(7)
    return [
        Batch(torch.randn(samples, inputs, generator=made), torch.randn(samples, outputs, generator=made), samples)
        for _ in range(count)
    ]


def classes(count: int, shape: tuple[int, ...] = (5,), samples: int = 6, num_classes: int = 3) -> list[Batch]:
    """Return batches of random numbers with a class each."""
    made = torch.Generator().manual_seed(7)
    return [
        Batch(
            torch.randn(samples, *shape, generator=made),
            torch.randint(num_classes, (samples,), generator=made),
            samples,
        )
        for _ in range(count)
    ]


def learner(model: nn.Module, loss: Any, settings: OptimizationSettings | None = None) -> GradientLearner:
    """Return a learner that moves a model by momentum."""
    made = learner_for(model, loss, settings or OptimizationSettings(SGD_WITH_MOMENTUM), SESSION)
    assert isinstance(made, GradientLearner)
    return made


def taught(one: GradientLearner, batches: list[Batch]) -> dict[str, torch.Tensor]:
    """Learn batches, and return weights and what was scored."""
    for _ in one.epoch(iter(batches)):
        pass
    state = one.training_model().state_dict()
    return {**{name: each.clone() for name, each in state.items()}, "loss": torch.tensor(one.scores()["loss"])}
