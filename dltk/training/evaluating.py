"""One pass over a split, which a signal may cut short between two batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch, Batches
from dltk.training.signals import StopRequest
from dltk.training.task import Evaluation, Task


class CutShort(Exception):
    """A signal came during an evaluation: it has no result, and is done anew by whoever goes on."""


def evaluated(task: Task, model: nn.Module, batches: Batches) -> Evaluation:
    """Score a split with the model in eval mode and without gradients."""
    model.eval()
    with torch.inference_mode():
        return task.evaluate(model, batches)


@dataclass(frozen=True)
class Interruptible:
    """Batches that end with CutShort once a signal asks to stop.

    A time limit does not: a run whose evaluation takes longer than its limit would never get on.
    """

    batches: Batches
    stop: StopRequest

    @property
    def num_samples(self) -> int | None:
        """Samples in an epoch."""
        return self.batches.num_samples

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch."""
        return self.batches.num_batches

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, without its first `start` ones.

        Raises:
            CutShort: A signal has come.
        """
        self._refuse()
        for batch in self.batches.epoch(number, start=start):
            yield batch
            self._refuse()

    def take(self, indices: Tensor) -> Batches:
        """Return these samples only, in this order."""
        return Interruptible(self.batches.take(indices), self.stop)

    def whole(self) -> Batch:
        """Return all samples as one batch, in order."""
        return self.batches.whole()

    def _refuse(self) -> None:
        if self.stop.requested:
            raise CutShort
