"""Whether probabilities mean what they say; float64, NaN where a score is undefined."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

NUM_BINS = 15


class Reliability(NamedTuple):
    """Answers gathered by how sure they are; bins of equal width over 0..1, each of (bins,).

    Attributes:
        confidence: Mean probability of the answers in a bin; NaN where it is empty.
        accuracy: Share of them that are right; NaN where it is empty.
        num_answers: How many there are.
    """

    confidence: Tensor
    accuracy: Tensor
    num_answers: Tensor


def reliability(confidence: Tensor, is_right: Tensor, num_bins: int = NUM_BINS) -> Reliability:
    """Gather answers (n,) by their probability; one on the edge of two bins is in the lower."""
    bins = (confidence * num_bins).ceil().long().sub(1).clamp(0, num_bins - 1)
    count = torch.bincount(bins, minlength=num_bins)
    sums = [torch.bincount(bins, weights=values.double(), minlength=num_bins) for values in (confidence, is_right)]
    return Reliability(sums[0] / count, sums[1] / count, count)


def expected_calibration_error(confidence: Tensor, is_right: Tensor) -> float:
    """Return the mean distance of probability and share of right answers over bins (Guo et al. 2017, eq. 3)."""
    found = reliability(confidence, is_right)
    distance = (found.accuracy - found.confidence).abs().nan_to_num(0.0) * found.num_answers
    return distance.sum().item() / len(confidence) if len(confidence) else float("nan")


def log_loss(logs: Tensor, truth: Tensor) -> float:
    """Return the mean of -log p of the true class, from log-probabilities (n, classes) and int64 (n,)."""
    return F.nll_loss(logs, truth).item()


def binary_log_loss(activations: Tensor, truth: Tensor) -> float:
    """Return the mean over all sample-label pairs of -log p of what is true, from (n, labels) and 0/1 (n, labels)."""
    return F.binary_cross_entropy_with_logits(activations, truth.to(activations.dtype)).item()


def brier(probabilities: Tensor, truth: Tensor) -> float:
    """Return the mean squared distance of probabilities (n, classes) from 0/1 (n, classes) (Brier 1950).

    Of two classes it is that of one of them, half the sum; of more the sum over the classes.
    """
    distance = (probabilities - truth).square().sum(1).mean().item()
    return distance / 2 if truth.shape[1] == 2 else distance
