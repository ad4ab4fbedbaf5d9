"""Predicted against true numbers, and how the errors are distributed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dltk.pictures.fonts import drawable, plainly

MAX_TARGETS = 6
MAX_POINTS = 5000


def error_scatter(predicted: Tensor, truth: Tensor, names: Sequence[str], title: str) -> Figure:
    """Draw one row per target of (n, targets): predicted over true, and a histogram of predicted minus true."""
    num_rows = min(len(names), MAX_TARGETS)
    shown, families = drawable(names)
    figure = Figure(figsize=(9.5, 4.2 * num_rows), layout="constrained")
    plainly([figure.suptitle(title)], ["DejaVu Sans"])
    for row, (scatter, histogram) in enumerate(figure.subplots(num_rows, 2, squeeze=False)):
        _draw_scatter(scatter, predicted[:, row], truth[:, row])
        _draw_histogram(histogram, (predicted - truth)[:, row])
        labels = [
            scatter.set_xlabel(f"true {shown[row]}"),
            scatter.set_ylabel(f"predicted {shown[row]}"),
            histogram.set_xlabel(f"predicted minus true {shown[row]}"),
        ]
        plainly(labels, families)
    return figure


def _draw_scatter(axes: Axes, predicted: Tensor, truth: Tensor) -> None:
    chosen = torch.linspace(0, len(truth) - 1, min(len(truth), MAX_POINTS)).long()
    alpha = min(1.0, max(0.15, 60 / max(len(chosen), 1) ** 0.75))
    axes.scatter(truth[chosen], predicted[chosen], s=14, alpha=alpha, color="#4c78a8", edgecolors="none")
    finite = torch.cat([predicted, truth])
    finite = finite[finite.isfinite()]
    if len(finite):
        ends = [finite.min().item(), finite.max().item()]
        axes.plot(ends, ends, color="black", linewidth=0.8, linestyle="--", label="perfect")
        axes.legend(loc="upper left", frameon=False)


def _draw_histogram(axes: Axes, residuals: Tensor) -> None:
    finite = residuals[residuals.isfinite()]
    if len(finite):
        axes.hist(finite.numpy(), bins=min(50, max(10, int(len(finite) ** 0.5))), color="#4c78a8")
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--")
    axes.set_ylabel("samples")
