"""How far numbers are off, per target; float64 throughout, NaN where a score is undefined."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_absolute_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean distance per target, (targets,), from (n, targets)."""
    return (predicted.double() - truth.double()).abs().mean(0)


def root_mean_squared_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the root of the mean squared distance per target, (targets,), from (n, targets)."""
    return (predicted.double() - truth.double()).square().mean(0).sqrt()


def r_squared(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the share of each target's variance that is explained, (targets,); NaN where the truth is constant."""
    if len(truth) == 0:
        return torch.full((truth.shape[1],), float("nan"), dtype=torch.float64)
    wanted = truth.double()
    residual = (wanted - predicted.double()).square().sum(0)
    total = (wanted - wanted.mean(0)).square().sum(0)
    is_constant = truth.amax(0) == truth.amin(0)  # a rounded mean leaves a tiny variance
    return torch.where(is_constant, float("nan"), 1 - residual / total)
