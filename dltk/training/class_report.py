"""What an evaluation of classes shows: a row of scores per class, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dltk import pictures
from dltk.data.specs import Classes
from dltk.metrics import calibration, ranking
from dltk.metrics import classification as counted
from dltk.training.task import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CURVES = 10


def per_class(predicted: Tensor, truth: Tensor, target: Classes) -> Sequence[Mapping[str, Any]]:
    """Return precision, recall, F1 and number of samples of each class or label; NaN where one is undefined."""
    if target.multi_label:
        counts = counted.label_confusion(predicted, truth)
        found = [counted.label_precision(counts), counted.label_recall(counts), counted.label_f1(counts)]
        samples = counts[0] + counts[2]
    else:
        confusion = counted.confusion_matrix(predicted, truth, len(target.names))
        scores = (counted.precision_per_class, counted.recall_per_class, counted.f1_per_class)
        found, samples = [score(confusion) for score in scores], confusion.sum(1)
    keys = ("label" if target.multi_label else "class", "precision", "recall", "f1", "samples")
    columns = [target.names, *(values.tolist() for values in found), samples.tolist()]
    return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]


def class_pictures(evaluation: Evaluation, target: Classes, title: str, *, is_probability: bool) -> dict[str, Figure]:
    """Draw what was taken for what, how well classes are found and ranked, and the images with the largest losses.

    Args:
        evaluation: With the columns true, predicted, probabilities, loss, and worst_inputs of images.
        target: The classes.
        title: Says how good it is.
        is_probability: Whether the probabilities are meant to be some.
    """
    columns, several = evaluation.columns, target.num_outputs > 1
    names, _ = pictures.drawable(target.names)  # a class is called the same in every picture
    figures: dict[str, Figure] = {}
    if not target.multi_label:
        confusion = counted.confusion_matrix(columns["predicted"], columns["true"], len(target.names))
        figures["confusion_matrix"] = pictures.confusion_matrix(confusion, names, title)
    if several:
        name = "f1_per_label" if target.multi_label else "f1_per_class"
        f1 = torch.tensor([row["f1"] for row in evaluation.per_class])
        figures[name] = pictures.label_bars(f1, names, title=title, axis="F1")
    curves = _curves(columns, target, names)
    if curves:
        count = len(names)
        part = f", the first {MAX_CURVES} of {count} classes" if count > MAX_CURVES else ""
        figures["roc_and_precision_recall"] = pictures.ranking_curves(curves, f"{title}{part}")
    if is_probability and not target.multi_label:
        figures["calibration"] = _reliability_diagram(columns)
    if "worst_inputs" in columns and columns["worst_inputs"].shape[1] in (1, 3):
        captions = [_caption(columns, target, names, i) for i in columns["worst_positions"].tolist()]
        figures["worst"] = pictures.image_grid(columns["worst_inputs"], "largest losses: true → predicted", captions)
    return figures


def _curves(columns: Mapping[str, Any], target: Classes, names: Sequence[str]) -> list[pictures.Ranking]:
    """Return the curves of the second of two classes, or of the first few classes or labels, where they are defined."""
    several = target.num_outputs > 1
    positions = range(min(len(names), MAX_CURVES)) if several else [1]
    curves = []
    for i in positions:
        is_true = columns["true"][:, i].bool() if target.multi_label else columns["true"] == i
        if 0 < int(is_true.sum()) < len(is_true):
            chances = columns["probabilities"][:, i].double()
            label = (
                f"AUC {ranking.roc_auc(chances, is_true):.3f}",
                f"AP {ranking.average_precision(chances, is_true):.3f}",
            )
            roc, recall = ranking.roc_curve(chances, is_true), ranking.precision_recall_curve(chances, is_true)
            share = is_true.double().mean().item()
            curves.append(pictures.Ranking(names[i], roc, recall, label, share))
    return curves


def _reliability_diagram(columns: Mapping[str, Any]) -> Figure:
    confidence, is_right = columns["probabilities"].double().max(1).values, columns["predicted"] == columns["true"]
    error = calibration.expected_calibration_error(confidence, is_right)
    found = calibration.reliability(confidence, is_right)
    return pictures.reliability_diagram(*found, f"expected calibration error {error:.4f}, n = {len(confidence):,}")


def _caption(columns: Mapping[str, Any], target: Classes, names: Sequence[str], position: int) -> str:
    if target.multi_label:
        return f"loss {columns['loss'][position]:.2f}"
    true, predicted = (names[int(columns[key][position])] for key in ("true", "predicted"))
    return f"{true[:11]} → {predicted[:11]}"  # two names in the width of one image
