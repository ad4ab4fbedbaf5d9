"""The tensors of a batch, as a list, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from dltk.data.batches import Batch


def tensors_of(batch: Batch) -> list[Tensor] | None:
    """Return the fields of a batch, in an order of their own; None where one is not a single tensor."""
    if isinstance(batch.inputs, Tensor) and isinstance(batch.targets, Tensor):
        return [batch.inputs, batch.targets]
    parts = [batch.inputs, *([] if batch.targets is None else [batch.targets])]
    fields = [field for part in parts for field in (part.values() if isinstance(part, Mapping) else [part])]
    tensors = [field for field in fields if isinstance(field, Tensor)]
    return tensors if len(tensors) == len(fields) else None


def like(batch: Batch, tensors: Sequence[Tensor]) -> Batch:
    """Return tensors as a batch of the same names."""
    left = iter(tensors)
    inputs, targets = (
        {name: next(left) for name in part} if isinstance(part, Mapping) else None if part is None else next(left)
        for part in (batch.inputs, batch.targets)
    )
    assert inputs is not None
    return Batch(inputs, targets, batch.num_samples)
