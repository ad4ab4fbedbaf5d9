"""The targets of batches that have one."""

from __future__ import annotations

import torch
from torch import Tensor

from dltk.data.batches import Batch, Batches, InMemory


def target_of(batch: Batch) -> Tensor:
    """Return the target of a batch: of Batch.of's single target it is the field itself."""
    assert isinstance(batch.targets, Tensor)
    return batch.targets


def all_targets(batches: Batches) -> Tensor:
    """Return the targets of all samples once, (n, ...), on the CPU, whatever the order and the mixing of samples."""
    if isinstance(batches, InMemory):
        (stored,) = batches.stored_targets().values()
        assert isinstance(stored, Tensor)
        return stored.cpu()
    return torch.cat([target_of(batch) for batch in batches.epoch(0)]).cpu()
