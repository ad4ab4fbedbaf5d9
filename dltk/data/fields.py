"""Fields: the columns of a batch, one entry per sample, as a tensor, a list of tensors, or ragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Sequences of unequal length: sample i is `values[offsets[i]:offsets[i + 1]]`.

    Attributes:
        values: (total, ...) all sequences one after another.
        offsets: (n + 1,) int64, the first is 0.
    """

    values: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], dtype: torch.dtype = torch.int32) -> Ragged:
        """Pack lists of numbers."""
        lengths = torch.tensor([0, *(len(sequence) for sequence in sequences)], dtype=torch.int64)
        values = torch.tensor([item for sequence in sequences for item in sequence], dtype=dtype)
        return cls(values, lengths.cumsum(0))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Tensor:
        """(n,) int64."""
        return self.offsets.diff()

    @property
    def rows(self) -> Tensor:
        """(total,) int64: which sample each value belongs to. Synchronises with the device."""
        return torch.repeat_interleave(torch.arange(len(self), device=self.offsets.device), self.lengths)

    def take(self, indices: Tensor) -> Ragged:
        """Return the chosen sequences, in the order of `indices`. Synchronises with the device."""
        begins = self.offsets[indices]
        lengths = self.offsets[indices + 1] - begins
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        starts = torch.repeat_interleave(begins - offsets[:-1], lengths)
        return Ragged(self.values[starts + torch.arange(len(starts), device=starts.device)], offsets)


Field = Tensor | list[Tensor] | Ragged
Fields = Mapping[str, Field]


def take(field: Field, indices: Tensor) -> Field:
    """Return the chosen samples of a field, in the order of `indices` (int64, on the field's device)."""
    if isinstance(field, Tensor):
        return field.index_select(0, indices)
    if isinstance(field, Ragged):
        return field.take(indices)
    return [field[i] for i in indices.tolist()]


def to_device(field: Field, device: torch.device) -> Field:
    """Return the field on a device; nothing is copied when it is there."""
    if isinstance(field, Tensor):
        return field.to(device, non_blocking=True)
    if isinstance(field, Ragged):
        return Ragged(field.values.to(device, non_blocking=True), field.offsets.to(device, non_blocking=True))
    return [tensor.to(device, non_blocking=True) for tensor in field]


def concatenate(fields: Sequence[Field]) -> Field:
    """Join fields of one kind, sample after sample.

    Raises:
        TypeError: They are of different kinds.
    """
    if len({type(field) for field in fields}) != 1:
        raise TypeError(f"fields of one kind can be joined; received {[type(field).__name__ for field in fields]}")
    ragged = [field for field in fields if isinstance(field, Ragged)]
    if ragged:
        lengths = torch.cat([field.lengths for field in ragged])
        return Ragged(
            torch.cat([field.values for field in ragged]), torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        )
    tensors = [field for field in fields if isinstance(field, Tensor)]
    return torch.cat(tensors) if tensors else [tensor for field in fields for tensor in cast("list[Tensor]", field)]


def tensors_of(field: Field) -> list[Tensor]:
    """Return the tensors that a field consists of."""
    if isinstance(field, Tensor):
        return [field]
    return [field.values, field.offsets] if isinstance(field, Ragged) else field


def num_bytes_of(field: Field) -> int:
    """Return how much room a field takes."""
    return sum(tensor.nbytes for tensor in tensors_of(field))
