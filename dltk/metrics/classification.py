"""How often predicted classes are right, from counts; float64 throughout, NaN where a score is undefined."""

from __future__ import annotations

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


def weighted(values: Tensor, confusion: Tensor) -> float:
    """Return the mean of a value per class, weighted by how many samples it has; one without samples does not count."""
    support = confusion.sum(1)
    return ((values * support)[support > 0].sum() / support.sum()).item()


def balanced_accuracy(confusion: Tensor) -> float:
    """Return the mean recall of the classes that have samples."""
    recalls = recall_per_class(confusion)
    return recalls[confusion.sum(1) > 0].mean().item()


def matthews_correlation(confusion: Tensor) -> float:
    """Return the correlation of true and predicted classes in -1..1 (Matthews 1975, Gorodkin 2004).

    NaN where all samples are of one class, or are predicted to be.
    """
    counts = confusion.double()
    total, true, predicted = counts.sum(), counts.sum(1), counts.sum(0)
    covariance = counts.diag().sum() * total - true @ predicted
    return (covariance / ((total**2 - true @ true) * (total**2 - predicted @ predicted)).sqrt()).item()


def cohen_kappa(confusion: Tensor) -> float:
    """Return how far the agreement exceeds that of chance, 1 at most (Cohen 1960); NaN where chance always agrees."""
    counts = confusion.double()
    total = counts.sum()
    by_chance = (counts.sum(1) @ counts.sum(0)) / total**2
    return ((counts.diag().sum() / total - by_chance) / (1 - by_chance)).item()


def exact_match(predicted: Tensor, truth: Tensor) -> float:
    """Return the share of samples all of whose labels, bool (n, labels), are right."""
    return (predicted.bool() == truth.bool()).all(1).double().mean().item()


def label_confusion(predicted: Tensor, truth: Tensor) -> Tensor:
    """Count per label what bool (n, labels) say, int64 (3, labels): hits, false alarms, misses."""
    said, true = predicted.bool(), truth.bool()
    return torch.stack([(said & true).sum(0), (said & ~true).sum(0), (~said & true).sum(0)])


def label_precision(counts: Tensor) -> Tensor:
    """Return the share of alarms that are right, from `label_confusion`; NaN where there were none."""
    return counts[0].double() / (counts[0] + counts[1])


def label_recall(counts: Tensor) -> Tensor:
    """Return the share of what is there that was found, from `label_confusion`; NaN where nothing is."""
    return counts[0].double() / (counts[0] + counts[2])


def label_f1(counts: Tensor) -> Tensor:
    """Return F1 from `label_confusion`; NaN where no label is or was predicted."""
    return 2 * counts[0].double() / (2 * counts[0] + counts[1] + counts[2])
