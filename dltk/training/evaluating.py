"""One pass over a split, which a signal or the time limit may cut short between two batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch, Batches
from dltk.training.signals import StopRequest
from dltk.training.task import Evaluation, Task


class CutShort(Exception):
    """An evaluation was to stop: it has no result, and is done anew by whoever goes on."""


def evaluated(task: Task, model: nn.Module, batches: Batches) -> Evaluation:
    """Score a split with the model in eval mode and without gradients."""
    model.eval()
    with torch.inference_mode():
        return task.evaluate(model, batches)


@dataclass(frozen=True)
class Interruptible:
    """Batches that end with CutShort once the run is to stop."""

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
            CutShort: The run is to stop.
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
        if self.stop.code is not None:
            raise CutShort
