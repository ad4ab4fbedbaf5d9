"""Plans: the order in which an epoch meets the samples, the same on every run."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dltk.config.seeds import derive

Plan = Callable[[int, int], Tensor]
"""(epoch, number of samples) -> the order of the samples, int64 (n,)."""


def in_order(_epoch: int, num_samples: int) -> Tensor:
    """Plan the samples as they stand."""
    return torch.arange(num_samples)


def batch_sizes(num_samples: int, batch_size: int) -> list[int]:
    """Return how many samples each batch of an epoch has: a last one of a single sample joins the one before it.

    A batch of one sample has no batch statistics.
    """
    sizes = [batch_size] * (num_samples // batch_size)
    rest = num_samples % batch_size
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def shuffled(seed: int) -> Plan:
    """Return the plan that draws a new permutation for each epoch."""

    def plan(epoch: int, num_samples: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive(seed, "order", epoch))
        return torch.randperm(num_samples, generator=generator)

    return plan


def balanced(seed: int, labels: Sequence[Any]) -> Plan:
    """Return the plan that draws every class equally often in an epoch, which stays as long as it was.

    Samples of a rare class come several times; a frequent class shows another part of its samples in each epoch.

    Args:
        seed: Decides the order.
        labels: One hashable class per sample.
    """
    members = _members(labels)

    def plan(epoch: int, num_samples: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive(seed, "order", epoch))
        shares = num_samples // len(members) + (
            torch.randperm(len(members), generator=generator) < num_samples % len(members)
        )
        drawn = [_drawn(own, share, generator) for own, share in zip(members, shares.tolist(), strict=True)]
        order = torch.cat(drawn)
        return order[torch.randperm(num_samples, generator=generator)]

    return plan


def distinct(order: Tensor, num_samples: int) -> Tensor:
    """Return the indices of a plan; what comes for the k-th time again is k * num_samples more."""
    by_sample, ranks = torch.sort(order, stable=True)
    positions = torch.arange(len(order))
    is_first = torch.ones(len(order), dtype=torch.bool)
    is_first[1:] = by_sample[1:] != by_sample[:-1]
    begun_at = torch.cummax(torch.where(is_first, positions, 0), 0).values
    return order + num_samples * torch.empty_like(order).scatter_(0, ranks, positions - begun_at)


def _members(labels: Sequence[Any]) -> list[Tensor]:
    """Return the positions of each label's samples; labels by first appearance."""
    members: dict[Any, array[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, array("q")).append(position)
    return [torch.frombuffer(positions, dtype=torch.int64) for positions in members.values()]


def _drawn(members: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` of some samples; none comes once more before all others came."""
    rounds = [members[torch.randperm(len(members), generator=generator)] for _ in range(-(-count // len(members)))]
    return torch.cat([*rounds, members[:0]])[:count]
