"""Where a run is shown for looking at, at the moments of its life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from dltk.data.batches import Batches
from dltk.training.learner import Learner
from dltk.training.task import Evaluation, Task


@dataclass(frozen=True)
class Beginning:
    """What there is before the first step.

    Attributes:
        settings: The options that runs are compared by, nested.
        text: The whole experiment as YAML.
        model: With its initial weights.
        train: The training samples.
    """

    settings: Mapping[str, Any]
    text: str
    model: nn.Module
    train: Batches


@dataclass(frozen=True)
class Ending:
    """What there is after the last step.

    Attributes:
        step: How many there were.
        scores: At the end, by split and name.
        evaluation: Of the split that is reported; None where no sample was scored.
        names: The classes of the data's target; empty where it has none.
        task: What was learned.
        model: With the weights that were chosen.
        samples: Samples it did not learn from, where there are some.
    """

    step: int
    scores: Mapping[str, float]
    evaluation: Evaluation | None
    names: tuple[str, ...]
    task: Task
    model: nn.Module
    samples: Batches


class Board(Protocol):
    """Where a run is shown; which kinds of things are, is its own business, and none of them changes the run."""

    def begin(self, beginning: Beginning) -> None:
        """Show what is known before the first step."""

    def scalars(self, row: Mapping[str, float], step: int) -> None:
        """Show named numbers at a step."""

    def learner(self, learner: Learner, train: Batches, step: int) -> None:
        """Show weights, and the gradients that some training samples give, at a step."""

    def picture(self, name: str, png: bytes, step: int) -> None:
        """Show a picture, PNG bytes, at a step."""

    def end(self, ending: Ending) -> None:
        """Show what is known after the last step."""

    def rewind(self, step: int) -> None:
        """Forget what was shown at `step` and later."""

    def close(self) -> None:
        """Finish writing."""


class NoBoard:
    """Shows nothing."""

    def begin(self, beginning: Beginning) -> None:
        """Show nothing."""

    def scalars(self, row: Mapping[str, float], step: int) -> None:
        """Show nothing."""

    def learner(self, learner: Learner, train: Batches, step: int) -> None:
        """Show nothing."""

    def picture(self, name: str, png: bytes, step: int) -> None:
        """Show nothing."""

    def end(self, ending: Ending) -> None:
        """Show nothing."""

    def rewind(self, step: int) -> None:
        """Forget nothing."""

    def close(self) -> None:
        """Finish nothing."""
