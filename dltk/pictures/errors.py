"""Predicted against true numbers, where the errors lie, and how they are distributed."""

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
    """Draw one row per target of (n, targets): predicted over true, errors over predictions, a histogram of errors."""
    num_rows = min(len(names), MAX_TARGETS)
    shown, families = drawable(names)
    figure = Figure(figsize=(13.5, 4.2 * num_rows), layout="constrained")
    plainly([figure.suptitle(title)], ["DejaVu Sans"])
    for row, (scatter, residuals, histogram) in enumerate(figure.subplots(num_rows, 3, squeeze=False)):
        _draw_scatter(scatter, predicted[:, row], truth[:, row])
        _draw_residuals(residuals, predicted[:, row], truth[:, row])
        _draw_histogram(histogram, (predicted - truth)[:, row])
        labels = [
            scatter.set_xlabel(f"true {shown[row]}"),
            scatter.set_ylabel(f"predicted {shown[row]}"),
            residuals.set_xlabel(f"predicted {shown[row]}"),
            residuals.set_ylabel("predicted minus true"),
            histogram.set_xlabel(f"predicted minus true {shown[row]}"),
        ]
        plainly(labels, families)
    return figure


def _draw_scatter(axes: Axes, predicted: Tensor, truth: Tensor) -> None:
    _draw_points(axes, truth, predicted)
    finite = torch.cat([predicted, truth])
    finite = finite[finite.isfinite()]
    if len(finite):
        ends = [finite.min().item(), finite.max().item()]
        axes.plot(ends, ends, color="black", linewidth=0.8, linestyle="--", label="perfect")
        axes.legend(loc="upper left", frameon=False)


def _draw_residuals(axes: Axes, predicted: Tensor, truth: Tensor) -> None:
    _draw_points(axes, predicted, predicted - truth)
    axes.axhline(0, color="black", linewidth=0.8, linestyle="--")


def _draw_points(axes: Axes, x: Tensor, y: Tensor) -> None:
    chosen = torch.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).long()
    alpha = min(1.0, max(0.15, 60 / max(len(chosen), 1) ** 0.75))
    axes.scatter(x[chosen], y[chosen], s=14, alpha=alpha, color="#4c78a8", edgecolors="none")


def _draw_histogram(axes: Axes, residuals: Tensor) -> None:
    finite = residuals[residuals.isfinite()]
    if len(finite):
        axes.hist(finite.numpy(), bins=min(50, max(10, int(len(finite) ** 0.5))), color="#4c78a8")
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--")
    axes.set_ylabel("samples")
