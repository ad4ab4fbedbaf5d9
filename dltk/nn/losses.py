"""Losses per sample for one output of two classes, one per class, or one per label."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cross_entropy(outputs: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy in nats, (B,).

    Args:
        outputs: (B, classes) logits.
        targets: Class of each sample, int64 (B,): of two for a single output; or 0/1 per label, float (B, labels).
        label_smoothing: Part of each target that is spread evenly over all classes (Szegedy et al. 2016, section 7).
    """
    if _is_one_of_several(outputs, targets):
        return F.cross_entropy(outputs, targets, reduction="none", label_smoothing=label_smoothing)
    wanted = _wanted(outputs, targets) * (1 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(outputs, wanted, reduction="none").mean(1)


def squared_error_of_probabilities(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over the outputs of (probability - wanted)^2, (B,); arguments as for `cross_entropy`."""
    probabilities = outputs.softmax(1) if _is_one_of_several(outputs, targets) else outputs.sigmoid()
    return (probabilities - _wanted(outputs, targets)).square().mean(1)


def perceptron(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return (step(a) - y) a, (B,), whose gradient is Rosenblatt's (1958) rule: w += lr (y - step(a)) x.

    The step of 0 is 0, so that a tie counts as the first class; one that should be the second still moves.

    Args:
        outputs: (B, 1) activations a.
        targets: 0 or 1 per sample, int64 (B,).
    """
    mistake = (outputs > 0).to(outputs.dtype) - _wanted(outputs, targets)
    return (mistake.detach() * outputs).sum(1)


def _is_one_of_several(outputs: Tensor, targets: Tensor) -> bool:
    return targets.dim() == 1 and outputs.shape[1] > 1


def _wanted(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the targets as 0/1 numbers shaped like the outputs."""
    if _is_one_of_several(outputs, targets):
        return F.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    return targets.to(outputs.dtype).view(outputs.shape)
