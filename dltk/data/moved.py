"""Batches that do not lie on the device, and are moved there as they come."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dltk.data.batches import Batch, Batches


class OnDevice:
    """Batches that are moved to a device as they come; for those that do not lie there."""

    def __init__(self, batches: Batches, device: torch.device) -> None:
        self._batches, self._device = batches, device

    @property
    def num_samples(self) -> int | None:
        """Samples in an epoch."""
        return self._batches.num_samples

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch."""
        return self._batches.num_batches

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, without its first `start` ones."""
        return (batch.to(self._device) for batch in self._batches.epoch(number, start=start))

    def take(self, indices: Tensor) -> OnDevice:
        """Return these samples only, in this order."""
        return OnDevice(self._batches.take(indices), self._device)

    def whole(self) -> Batch:
        """Return all samples as one batch, in order."""
        return self._batches.whole().to(self._device)
