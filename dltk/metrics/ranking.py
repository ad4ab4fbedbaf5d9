"""How well activations rank what is there above what is not; float64, NaN where a score is undefined."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def roc_auc(activations: Tensor, truth: Tensor) -> float:
    """Return the chance that a sample of class 1 has a larger activation (n,) than one of class 0; ties count half.

    NaN unless both classes occur (Mann & Whitney 1947).
    """
    _, positions, counts = torch.unique(activations, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0).double() - (counts - 1).double() / 2)[positions]
    positives = int(truth.sum())
    pairs = positives * (len(truth) - positives)
    if pairs == 0:
        return float("nan")
    rank_sum = float(ranks[truth.bool()].sum())
    return (rank_sum - positives * (positives + 1) / 2) / pairs


def average_precision(activations: Tensor, truth: Tensor) -> float:
    """Return the area under the steps of precision over recall, of activations (n,) and 0/1 (n,).

    Equal activations are one step. NaN where nothing is to be found.
    """
    hits, alarms = _found_by_threshold(activations, truth)
    gained = hits.diff(prepend=hits.new_zeros(1))
    positives = int(truth.sum())
    return (gained * hits / (hits + alarms)).sum().item() / positives if positives else float("nan")


def roc_curve(activations: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the shares of false alarms and of hits, from 0 to 1, one point per different activation and the origin."""
    hits, alarms = _found_by_threshold(activations, truth)
    origin = hits.new_zeros(1)
    return torch.cat([origin, alarms / alarms[-1:]]), torch.cat([origin, hits / hits[-1:]])


def precision_recall_curve(activations: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return recall and precision, one point per different activation, from the largest on."""
    hits, alarms = _found_by_threshold(activations, truth)
    return hits / hits[-1:], hits / (hits + alarms)


def mean_over_classes(score: Callable[[Tensor, Tensor], float], activations: Tensor, truth: Tensor) -> float:
    """Return the mean of a score of each column of (n, classes) against the same column of 0/1 (n, classes)."""
    each = [score(activations[:, i], truth[:, i]) for i in range(truth.shape[1])]
    return torch.tensor(each, dtype=torch.float64).mean().item()


def _found_by_threshold(activations: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many hits and false alarms there are at each different activation or above, the largest first."""
    values, order = activations.sort(descending=True)
    found = truth[order].bool().double()
    is_last = torch.ones(len(values), dtype=torch.bool)
    is_last[:-1] = values.diff() != 0
    return found.cumsum(0)[is_last], (1 - found).cumsum(0)[is_last]
