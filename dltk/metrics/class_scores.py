"""The scores of classification by name: what they mean, which way is good, for how many classes they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, NamedTuple

from torch import Tensor
from torch.nn import functional as F

from dltk.metrics import calibration, ranking
from dltk.metrics import classification as counted

MetricName = Literal[
    "accuracy", "top3_accuracy", "top5_accuracy", "balanced_accuracy",
    "precision", "recall", "f1", "macro_precision", "macro_recall", "macro_f1", "micro_precision", "micro_recall",
    "micro_f1", "weighted_precision", "weighted_recall", "weighted_f1", "roc_auc", "average_precision",
    "matthews_correlation", "cohen_kappa", "log_loss", "brier", "expected_calibration_error",
]  # fmt: skip


class Metric(NamedTuple):
    """A score of activations (n, classes) and the truth.

    Attributes:
        definition: For people.
        score: (activations, truth) -> the score.
        direction: Whether large or small is good.
        num_classes: The smallest and the largest number of classes it is defined for; None is any.
        needs_probabilities: Whether it makes no sense of activations that are no logarithms of probabilities.
    """

    definition: str
    score: Callable[[Tensor, Tensor], float]
    direction: Literal["max", "min"] = "max"
    num_classes: tuple[int, int | None] = (2, None)
    needs_probabilities: bool = False


TWO = (2, 2)


def _confused(activations: Tensor, truth: Tensor) -> Tensor:
    return counted.confusion_matrix(activations.argmax(1), truth, activations.shape[1])


def _of_confusion(score: Callable[[Tensor], float]) -> Callable[[Tensor, Tensor], float]:
    return lambda activations, truth: score(_confused(activations, truth))


def _macro(per_class: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    return _of_confusion(lambda confusion: per_class(confusion).mean().item())


def _weighted(per_class: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    return _of_confusion(lambda confusion: counted.weighted(per_class(confusion), confusion))


def _of_second(per_class: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    return _of_confusion(lambda confusion: per_class(confusion)[1].item())


def _ranked(score: Callable[[Tensor, Tensor], float], activations: Tensor, truth: Tensor) -> float:
    """Score the second of two classes; of more, each against the others, and take the mean."""
    if activations.shape[1] == 2:
        return score(activations[:, 1] - activations[:, 0], truth)
    one_hot = F.one_hot(truth, activations.shape[1])
    return ranking.mean_over_classes(score, activations.log_softmax(1), one_hot)


def _calibration_error(activations: Tensor, truth: Tensor) -> float:
    confidence, predicted = activations.softmax(1).max(1)
    return calibration.expected_calibration_error(confidence, predicted == truth)


def _brier(activations: Tensor, truth: Tensor) -> float:
    return calibration.brier(activations.softmax(1), F.one_hot(truth, activations.shape[1]).double())


ONE_OF_SEVERAL: Mapping[str, Metric] = {
    "accuracy": Metric("share of samples whose class is right", lambda a, t: counted.accuracy(a.argmax(1), t)),
    "top3_accuracy": Metric(
        "share of samples whose class is among the three likeliest",
        lambda a, t: counted.top_k_accuracy(a, t, 3),
        num_classes=(4, None),
    ),
    "top5_accuracy": Metric(
        "share of samples whose class is among the five likeliest",
        lambda a, t: counted.top_k_accuracy(a, t, 5),
        num_classes=(6, None),
    ),
    "balanced_accuracy": Metric(
        "mean recall of the classes that have samples", _of_confusion(counted.balanced_accuracy)
    ),
    "precision": Metric(
        "share of the predictions of the second class that are right",
        _of_second(counted.precision_per_class),
        "max",
        TWO,
    ),
    "recall": Metric(
        "share of the samples of the second class that were found", _of_second(counted.recall_per_class), "max", TWO
    ),
    "f1": Metric(
        "harmonic mean of precision and recall of the second class", _of_second(counted.f1_per_class), "max", TWO
    ),
    "macro_precision": Metric(
        "mean over classes of the share of their predictions that are right", _macro(counted.precision_per_class)
    ),
    "macro_recall": Metric(
        "mean over classes of the share of their samples that were found", _macro(counted.recall_per_class)
    ),
    "macro_f1": Metric("mean over classes of F1", _macro(counted.f1_per_class)),
    "weighted_precision": Metric(
        "mean of the classes' precision, weighted by their samples", _weighted(counted.precision_per_class)
    ),
    "weighted_recall": Metric(
        "mean of the classes' recall, weighted by their samples, which is the accuracy",
        _weighted(counted.recall_per_class),
    ),
    "weighted_f1": Metric("mean of the classes' F1, weighted by their samples", _weighted(counted.f1_per_class)),
    "roc_auc": Metric(
        "chance that a sample of the second class outranks one of the first; "
        "of more classes the mean over each against the others",
        partial(_ranked, ranking.roc_auc),
    ),
    "average_precision": Metric(
        "area under precision over recall of the second class; of more classes the mean over each against the others",
        partial(_ranked, ranking.average_precision),
    ),
    "matthews_correlation": Metric(
        "correlation of true and predicted classes", _of_confusion(counted.matthews_correlation)
    ),
    "cohen_kappa": Metric("agreement beyond that of chance", _of_confusion(counted.cohen_kappa)),
    "log_loss": Metric(
        "mean of -log p of the true class, in nats",
        lambda a, t: calibration.log_loss(a.log_softmax(1), t),
        "min",
        needs_probabilities=True,
    ),
    "brier": Metric(
        "mean squared error of the probability of the second class; of more classes summed over them",
        _brier,
        "min",
        needs_probabilities=True,
    ),
    "expected_calibration_error": Metric(
        "mean distance of probability and share of right answers, over 15 bins of the likeliest class's probability",
        _calibration_error,
        "min",
        needs_probabilities=True,
    ),
}
"""Scores where each sample has one class, int64 (n,)."""


def _labels(activations: Tensor, truth: Tensor) -> Tensor:
    return counted.label_confusion(activations > 0, truth)


def _micro(per_label: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    return lambda activations, truth: per_label(_labels(activations, truth).sum(1)).item()


def _macro_labels(per_label: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    return lambda activations, truth: per_label(_labels(activations, truth)).mean().item()


ANY = (1, None)

SEVERAL_AT_ONCE: Mapping[str, Metric] = {
    "accuracy": Metric(
        "share of samples all of whose labels are right", lambda a, t: counted.exact_match(a > 0, t), "max", ANY
    ),
    "micro_precision": Metric("share of all given labels that are right", _micro(counted.label_precision), "max", ANY),
    "micro_recall": Metric("share of all true labels that were found", _micro(counted.label_recall), "max", ANY),
    "micro_f1": Metric("F1 over all sample-label pairs", _micro(counted.label_f1), "max", ANY),
    "macro_precision": Metric(
        "mean over labels of the share of times given that are right",
        _macro_labels(counted.label_precision),
        "max",
        ANY,
    ),
    "macro_recall": Metric(
        "mean over labels of the share of times true that were found", _macro_labels(counted.label_recall), "max", ANY
    ),
    "macro_f1": Metric("mean over labels of F1", _macro_labels(counted.label_f1), "max", ANY),
    "roc_auc": Metric(
        "mean over labels of the chance that a sample with it outranks one without",
        partial(ranking.mean_over_classes, ranking.roc_auc),
        "max",
        ANY,
    ),
    "average_precision": Metric(
        "mean over labels of the area under precision over recall",
        partial(ranking.mean_over_classes, ranking.average_precision),
        "max",
        ANY,
    ),
    "log_loss": Metric(
        "mean over all sample-label pairs of -log p of what is true, in nats",
        calibration.binary_log_loss,
        "min",
        ANY,
        needs_probabilities=True,
    ),
    "brier": Metric(
        "mean over all sample-label pairs of the squared error of the probability",
        lambda a, t: (a.sigmoid() - t).square().mean().item(),
        "min",
        ANY,
        needs_probabilities=True,
    ),
}
"""Scores where each sample has any number of labels, 0/1 (n, labels)."""
