"""Losses of classification, per sample: a softmax over several outputs, or a sigmoid on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Values = Callable[[Tensor, Tensor], Tensor]
"""(outputs (B, K), wanted) -> the loss of each sample, (B,).

Of one class among several outputs, wanted is its number, int64 (B,), or a share per class, float (B, K). Of outputs
that stand alone (one output of two classes, or one per label) it is 0..1 for each, float (B, K).
"""


class ClassLoss(NamedTuple):
    """A loss in both forms.

    Attributes:
        definition: For people; p are the probabilities, a the outputs, y the true class.
        among: For one class among several outputs, under a softmax; None where it is for two classes only.
        alone: For outputs that stand alone, under a sigmoid.
        is_probability: Whether it makes the outputs probabilities, which can learn shares of classes, too.
    """

    definition: str
    among: Values | None
    alone: Values
    is_probability: bool = True


def softmax_cross_entropy(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return -log p of the true class, in nats."""
    return F.cross_entropy(outputs, wanted.to(outputs.dtype) if _are_shares(wanted) else wanted, reduction="none")


def sigmoid_cross_entropy(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over the outputs of -log p of what each should be, in nats."""
    return F.binary_cross_entropy_with_logits(outputs, wanted.to(outputs.dtype), reduction="none").mean(1)


def softmax_focal(outputs: Tensor, wanted: Tensor, gamma: float) -> Tensor:
    """Return (1 - p)^gamma times -log p of the true class (Lin et al. 2017, eq. 4)."""
    logs = outputs.log_softmax(1)
    return -(_shares(wanted, outputs) * _power(1 - logs.exp(), gamma) * logs).sum(1)


def sigmoid_focal(outputs: Tensor, wanted: Tensor, gamma: float) -> Tensor:
    """Return the mean over the outputs of (1 - p)^gamma times -log p of what each should be."""
    wanted = wanted.to(outputs.dtype)
    present = -F.logsigmoid(outputs) * _power(outputs.neg().sigmoid(), gamma)
    absent = -F.logsigmoid(-outputs) * _power(outputs.sigmoid(), gamma)
    return (wanted * present + (1 - wanted) * absent).mean(1)


def softmax_squared_error(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over the classes of (p - wanted)^2."""
    return (outputs.softmax(1) - _shares(wanted, outputs)).square().mean(1)


def sigmoid_squared_error(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over the outputs of (p - wanted)^2."""
    return (outputs.sigmoid() - wanted.to(outputs.dtype)).square().mean(1)


def multiclass_hinge(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return max(0, 1 + the largest other output - that of the true class) (Crammer & Singer 2001)."""
    true = outputs.gather(1, wanted[:, None])
    others = outputs.scatter(1, wanted[:, None], float("-inf"))
    return (1 + others.amax(1) - true[:, 0]).clamp_min(0)


def binary_hinge(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over the outputs of max(0, 1 - s a), where s is 1 if it should be on and -1 if not."""
    return (1 - (2 * wanted.to(outputs.dtype) - 1) * outputs).clamp_min(0).mean(1)


def perceptron(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return (step(a) - y) a, whose gradient is Rosenblatt's (1958) rule: w += lr (y - step(a)) x.

    The step of 0 is 0, so that a tie counts as the first class; one that should be the second still moves.
    """
    mistake = (outputs > 0).to(outputs.dtype) - wanted.to(outputs.dtype)
    return (mistake.detach() * outputs).sum(1)


def class_losses(gamma: float = 2.0) -> Mapping[str, ClassLoss]:
    """Return the losses by name; `gamma` is focal's."""
    return {
        "cross_entropy": ClassLoss(
            "-log p(y), in nats; with several labels the mean over them", softmax_cross_entropy, sigmoid_cross_entropy
        ),
        "focal": ClassLoss(
            "(1 - p(y))^gamma times -log p(y), so that what is already sure counts little; "
            "with several labels the mean over them",
            lambda outputs, wanted: softmax_focal(outputs, wanted, gamma),
            lambda outputs, wanted: sigmoid_focal(outputs, wanted, gamma),
        ),
        "mse": ClassLoss(
            "mean over classes of the squared difference of p and 1 for y, 0 for the others",
            softmax_squared_error,
            sigmoid_squared_error,
        ),
        "hinge": ClassLoss(
            "max(0, 1 + largest other a - a(y)); with several labels the mean over them of max(0, 1 - a) where true, "
            "max(0, 1 + a) where not",
            multiclass_hinge,
            binary_hinge,
            is_probability=False,
        ),
        "perceptron": ClassLoss(
            "(step(a) - y) a, summed over the batch; two classes only", None, perceptron, is_probability=False
        ),
    }


def sample_weights(targets: Tensor, class_weights: tuple[float, ...], dtype: torch.dtype) -> Tensor:
    """Return the weight of each sample, (B,): that of its class, or of shares of classes the mean of theirs."""
    weights = _on_device(class_weights, dtype, targets.device)
    return targets.to(dtype) @ weights if _are_shares(targets) else weights[targets]


def _power(doubt: Tensor, gamma: float) -> Tensor:
    """Return doubt^gamma; a root has no slope at 0, which a sure sample reaches by rounding."""
    return doubt.clamp_min(1e-12).pow(gamma)


def _are_shares(wanted: Tensor) -> bool:
    return wanted.is_floating_point()


def _shares(wanted: Tensor, outputs: Tensor) -> Tensor:
    """Return shares of classes, float (B, K), whichever way they came."""
    if _are_shares(wanted):
        return wanted.to(outputs.dtype)
    return (wanted[:, None] == torch.arange(outputs.shape[1], device=wanted.device)).to(outputs.dtype)


@cache
def _on_device(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a tensor that is copied to a device once, not once per batch."""
    with torch.inference_mode(mode=False):
        return torch.tensor(values, dtype=dtype, device=device)
