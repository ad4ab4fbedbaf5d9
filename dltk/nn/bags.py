"""Bags of weighted ids: what a linear map makes of them without spreading them over vectors."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class Bags(Protocol):
    """Ragged rows of id and weight."""

    @property
    def values(self) -> Tensor:
        """(total, 2) float: id, weight."""

    @property
    def offsets(self) -> Tensor:
        """(B + 1,) int64; bag i is values[offsets[i]:offsets[i + 1]]."""


def ids_of(bags: Bags) -> Tensor:
    """Return the ids, (total,) int64."""
    return bags.values[:, 0].long()


def rows_of(bags: Bags) -> Tensor:
    """Return which bag each value belongs to, (total,) int64."""
    numbers = torch.arange(len(bags.offsets) - 1, device=bags.offsets.device)
    return torch.repeat_interleave(numbers, bags.offsets.diff(), output_size=len(bags.values))


def weighted_sums(bags: Bags, table: Tensor) -> Tensor:
    """Return the sum of each bag's rows of a table (ids, units), times their weights: (B, units)."""
    weights = bags.values[:, 1].contiguous()
    sums: Tensor = functional.embedding_bag(
        ids_of(bags), table, bags.offsets, mode="sum", per_sample_weights=weights, include_last_offset=True
    )
    return sums


def weighted_means(bags: Bags, table: Tensor) -> Tensor:
    """Return the weighted mean of each bag's rows of a table (ids, units), 0 where a bag is empty: (B, units)."""
    weights = bags.values[:, 1]
    totals = weights.new_zeros(len(bags.offsets) - 1).index_add(0, rows_of(bags), weights)
    return weighted_sums(bags, table) / torch.where(totals == 0, 1.0, totals)[:, None]


class BagAffine(nn.Module):
    """Weigh the ids of a bag and add a bias; torch's initial values.

    Attributes:
        weight: (num_outputs, num_ids).
        bias: (num_outputs,).
    """

    def __init__(self, num_ids: int, num_outputs: int) -> None:
        super().__init__()
        dense = nn.Linear(num_ids, num_outputs)
        self.weight, self.bias = dense.weight, dense.bias

    def forward(self, bags: Bags) -> Tensor:
        """Turn B bags into (B, num_outputs)."""
        return weighted_sums(bags, self.weight.T) + self.bias
