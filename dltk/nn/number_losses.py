"""Losses of regression: how much an output counts that is some scaled units off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class NumberLoss(NamedTuple):
    """A loss as a mean over samples and targets, with the sentence that defines it; d is the error."""

    definition: str
    mean: Callable[[Tensor, Tensor], Tensor]


def log_cosh(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean of log(cosh(d)), exact for large d where cosh overflows."""
    distance = (outputs - wanted).abs()
    return (distance + F.softplus(-2 * distance) - math.log(2)).mean()


def number_losses(delta: float = 1.0) -> Mapping[str, NumberLoss]:
    """Return the losses by name; `delta` is huber's, in scaled units."""
    return {
        "mse": NumberLoss("d squared", F.mse_loss),
        "mae": NumberLoss("|d|", F.l1_loss),
        "huber": NumberLoss(
            "d^2 / 2 up to |d| = delta, then the straight line delta (|d| - delta / 2)",
            lambda outputs, wanted: F.huber_loss(outputs, wanted, delta=delta),
        ),
        "log_cosh": NumberLoss("log(cosh(d)): d^2 / 2 for small d, |d| - log 2 for large", log_cosh),
    }
