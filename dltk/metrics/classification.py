"""How well classes were told apart; float64 throughout, NaN where a score is undefined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor


def accuracy(predicted: Tensor, truth: Tensor) -> float:
    """Return the share of samples whose class, int64 (n,), is right."""
    return (predicted == truth).double().mean().item()


def top_k_accuracy(activations: Tensor, truth: Tensor, k: int) -> float:
    """Return the share of samples whose class is among the k largest activations (n, classes); of equals, the first."""
    best = activations.argsort(dim=1, descending=True, stable=True)[:, :k]
    return (best == truth[:, None]).any(1).double().mean().item()


def confusion_matrix(predicted: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """Count samples, int64 (classes, classes): row is the true class, column the predicted one."""
    pairs = truth.long() * num_classes + predicted.long()
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def precision_per_class(confusion: Tensor) -> Tensor:
    """Return for each class the share of its predictions that are right; NaN where it was never predicted."""
    return confusion.diag().double() / confusion.sum(0)


def recall_per_class(confusion: Tensor) -> Tensor:
    """Return for each class the share of its samples that were found; NaN where it has none."""
    return confusion.diag().double() / confusion.sum(1)


def f1_per_class(confusion: Tensor) -> Tensor:
    """Return for each class the harmonic mean of precision and recall; NaN where it neither is nor was predicted."""
    return 2 * confusion.diag().double() / (confusion.sum(0) + confusion.sum(1))


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


def exact_match(predicted: Tensor, truth: Tensor) -> float:
    """Return the share of samples all of whose labels, bool (n, labels), are right."""
    return (predicted.bool() == truth.bool()).all(1).double().mean().item()


def micro_f1(predicted: Tensor, truth: Tensor) -> float:
    """Return F1 over all sample-label pairs, bool (n, labels); NaN where no label is or was predicted."""
    hits = (predicted.bool() & truth.bool()).sum().double()
    return (2 * hits / (predicted.bool().sum() + truth.bool().sum())).item()


def f1_per_label(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return F1 of each label from bool (n, labels); NaN for a label that neither is nor was predicted."""
    hits = (predicted.bool() & truth.bool()).sum(0).double()
    return 2 * hits / (predicted.bool().sum(0) + truth.bool().sum(0))


class Metric(NamedTuple):
    """A score of activations (n, classes) and the truth, with the sentence that defines it."""

    definition: str
    score: Callable[[Tensor, Tensor], float]


def _confused(activations: Tensor, truth: Tensor) -> Tensor:
    return confusion_matrix(activations.argmax(1), truth, activations.shape[1])


ONE_OF_SEVERAL: Mapping[str, Metric] = {
    "accuracy": Metric("share of samples whose class is right", lambda a, t: accuracy(a.argmax(1), t)),
    "top5_accuracy": Metric(
        "share of samples whose class is among the five likeliest", lambda a, t: top_k_accuracy(a, t, 5)
    ),
    "macro_precision": Metric(
        "mean over classes of the share of their predictions that are right",
        lambda a, t: precision_per_class(_confused(a, t)).mean().item(),
    ),
    "macro_recall": Metric(
        "mean over classes of the share of their samples that were found",
        lambda a, t: recall_per_class(_confused(a, t)).mean().item(),
    ),
    "macro_f1": Metric("mean over classes of F1", lambda a, t: f1_per_class(_confused(a, t)).mean().item()),
    "roc_auc": Metric(
        "chance that a sample of the second class outranks one of the first",
        lambda a, t: roc_auc(a[:, 1] - a[:, 0], t),
    ),
}
"""Scores where each sample has one class, int64 (n,)."""

SEVERAL_AT_ONCE: Mapping[str, Metric] = {
    "accuracy": Metric("share of samples all of whose labels are right", lambda a, t: exact_match(a > 0, t)),
    "micro_f1": Metric("F1 over all sample-label pairs", lambda a, t: micro_f1(a > 0, t)),
    "macro_f1": Metric("mean over labels of F1", lambda a, t: f1_per_label(a > 0, t).mean().item()),
}
"""Scores where each sample has any number of labels, 0/1 (n, labels)."""
