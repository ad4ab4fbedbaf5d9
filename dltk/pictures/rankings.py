"""ROC and precision-recall curves: what a threshold on the probability of a class would find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dltk.pictures.fonts import drawable, plainly

MAX_POINTS = 1000


class Ranking(NamedTuple):
    """The curves of one class.

    Attributes:
        name: The class, as `drawable` has it.
        roc: Shares of false alarms and of hits, each (points,).
        recall: Recall and precision, each (points,).
        labels: What to say of both, such as "AUC 0.98" and "AP 0.93".
        share: Of the samples that are of the class: the precision of guessing.
    """

    name: str
    roc: tuple[Tensor, Tensor]
    recall: tuple[Tensor, Tensor]
    labels: tuple[str, str]
    share: float


def ranking_curves(curves: Sequence[Ranking], title: str) -> Figure:
    """Draw the ROC curve and precision over recall of each class, side by side."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    plainly([figure.suptitle(title)], ["DejaVu Sans"])
    roc, recall = figure.subplots(1, 2)
    shown, families = drawable([curve.name for curve in curves])
    for i, (name, curve) in enumerate(zip(shown, curves, strict=True)):
        color = colormaps["tab10"](i % 10)
        roc.plot(*_thinned(curve.roc), color=color, linewidth=1.4, label=f"{name}  {curve.labels[0]}")
        recall.step(
            *_thinned(curve.recall), where="pre", color=color, linewidth=1.4, label=f"{name}  {curve.labels[1]}"
        )
    roc.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--")
    if len(curves) == 1:
        recall.axhline(curves[0].share, color="black", linewidth=0.8, linestyle="--")
    _finish(roc, "share of false alarms (1 - specificity)", "share found (sensitivity)", "lower right", families)
    _finish(recall, "recall", "precision", "lower left", families)
    return figure


def _finish(axes: Axes, x: str, y: str, place: Literal["lower right", "lower left"], families: Sequence[str]) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    plainly(axes.legend(loc=place, fontsize=8).get_texts(), families)


def _thinned(points: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    chosen = torch.linspace(0, len(points[0]) - 1, min(len(points[0]), MAX_POINTS)).long()
    return points[0][chosen], points[1][chosen]
