"""How far numbers are off, per target; float64 throughout, NaN where a score is undefined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor


class Metric(NamedTuple):
    """A score per target, (targets,), of predictions and truth, each (n, targets) in original units.

    Attributes:
        definition: For people; d is the error, y the true number.
        score: (predicted, truth) -> the score of each target.
        direction: Whether large or small is good.
    """

    definition: str
    score: Callable[[Tensor, Tensor], Tensor]
    direction: Literal["max", "min"] = "min"


def mean_absolute_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean distance per target, (targets,), from (n, targets)."""
    return (predicted.double() - truth.double()).abs().mean(0)


def mean_squared_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared distance per target, (targets,), from (n, targets)."""
    return (predicted.double() - truth.double()).square().mean(0)


def root_mean_squared_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the root of the mean squared distance per target, (targets,), from (n, targets)."""
    return mean_squared_error(predicted, truth).sqrt()


def r_squared(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the share of each target's variance that is explained, (targets,); NaN where the truth is constant."""
    if len(truth) == 0:
        return torch.full((truth.shape[1],), float("nan"), dtype=torch.float64)
    wanted = truth.double()
    residual = (wanted - predicted.double()).square().sum(0)
    total = (wanted - wanted.mean(0)).square().sum(0)
    is_constant = truth.amax(0) == truth.amin(0)  # a rounded mean leaves a tiny variance
    return torch.where(is_constant, float("nan"), 1 - residual / total)


def median_absolute_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the distance that half of the samples stay below, per target, (targets,), from (n, targets)."""
    distances = (predicted.double() - truth.double()).abs().sort(0).values
    if len(distances) == 0:
        return torch.full((truth.shape[1],), float("nan"), dtype=torch.float64)
    return (distances[(len(distances) - 1) // 2] + distances[len(distances) // 2]) / 2


def max_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the largest distance per target, (targets,), from (n, targets)."""
    if len(truth) == 0:
        return torch.full((truth.shape[1],), float("nan"), dtype=torch.float64)
    return (predicted.double() - truth.double()).abs().amax(0)


def mean_absolute_percentage_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of |d / y| per target, (targets,), from (n, targets): 0.05 is 5 %; NaN where a y is 0."""
    wanted = truth.double()
    relative = ((predicted.double() - wanted) / wanted).abs()
    return relative.where(wanted != 0, float("nan")).mean(0)


METRICS: Mapping[str, Metric] = {
    "mae": Metric("mean of |d|", mean_absolute_error),
    "mse": Metric("mean of d squared", mean_squared_error),
    "rmse": Metric("root of the mean of d squared", root_mean_squared_error),
    "r2": Metric(
        "share of the variance of y that is explained, 1 at most; undefined where y is constant", r_squared, "max"
    ),
    "mape": Metric("mean of |d / y|, 0.05 is 5 %; undefined where a y is 0", mean_absolute_percentage_error),
    "median_absolute_error": Metric("half of the samples have a smaller |d|", median_absolute_error),
    "max_error": Metric("largest |d|", max_error),
}
"""Scores of numbers by name."""
