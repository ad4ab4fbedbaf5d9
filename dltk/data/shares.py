"""Shares: what each of several processes gets of every batch, so that together they see every sample once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dltk.config.errors import DataError
from dltk.data.batches import Batch, Batches
from dltk.data.fields import Field, Fields, take


@dataclass(frozen=True)
class Shares:
    """Batches of which this process gets its part.

    Every process makes the whole batch, in the one order and with the one augmentation that a single process would,
    and cuts it: the first processes get one sample more where it does not divide.

    Attributes:
        batches: What a single process would see.
        rank: Of this process, from 0.
        size: How many processes there are.
    """

    batches: Batches
    rank: int
    size: int

    @property
    def num_samples(self) -> int | None:
        """Samples in an epoch of all processes."""
        return self.batches.num_samples

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch, the same in every process."""
        return self.batches.num_batches

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """Yield this process' part of each batch of an epoch, without its first `start` ones.

        Raises:
            DataError: A batch has fewer samples than there are processes.
        """
        return map(self._share, self.batches.epoch(number, start=start))

    def take(self, indices: Tensor) -> Batches:
        """Return these samples only, in this order, undivided."""
        return self.batches.take(indices)

    def whole(self) -> Batch:
        """Return all samples as one batch, in order."""
        return self.batches.whole()

    def _share(self, batch: Batch) -> Batch:
        if batch.num_samples < self.size:
            raise DataError(
                "a batch has fewer samples than there are processes",
                found=f"{batch.num_samples} for {self.size}",
                do="choose another data.batch_size, or start fewer processes",
            )
        mine = range(batch.num_samples)[self.rank :: self.size]
        targets = None if batch.targets is None else _chosen(batch.targets, mine)
        return Batch(_chosen(batch.inputs, mine), targets, len(mine))


def _chosen(fields: Field | Fields, mine: range) -> Field | Fields:
    if isinstance(fields, Mapping):
        return {name: _part(field, mine) for name, field in fields.items()}
    return _part(fields, mine)


def _part(field: Field, mine: range) -> Field:
    if isinstance(field, Tensor):
        return field[mine.start :: mine.step].contiguous()
    if isinstance(field, list):
        return field[mine.start :: mine.step]
    return take(field, torch.tensor(list(mine), device=field.offsets.device))
