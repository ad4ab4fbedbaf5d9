"""The confusion matrix: which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dltk.pictures.fonts import drawable, plainly

MAX_CLASSES_WITH_COUNTS = 30
MAX_TICKS = 60
MAX_SLANTED_TICKS = 25


def confusion_matrix(counts: Tensor, names: Sequence[str], title: str) -> Figure:
    """Draw counts (classes, classes), row the true class; a cell's shade is its share of the row."""
    num_classes = len(names)
    size = min(max(3.2 + 0.42 * num_classes, 4.4), 13.0)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    shares = counts.double() / counts.sum(1, keepdim=True).clamp_min(1)
    shade = axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(shade, ax=axes, fraction=0.046, pad=0.02).set_label("share of the true class")
    if num_classes <= MAX_CLASSES_WITH_COUNTS:
        _write_counts(axes, counts, shares, cell_points=0.8 * size * 72 / num_classes)
    _name_ticks(axes, names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    plainly([axes.set_title(title)], ["DejaVu Sans"])
    return figure


def _write_counts(axes: Axes, counts: Tensor, shares: Tensor, cell_points: float) -> None:
    digits = len(str(int(counts.max())))
    fontsize = min(11.0, cell_points / (0.75 * digits))  # a digit is about 0.64 of the font size wide
    for row, (numbers, parts) in enumerate(zip(counts.tolist(), shares.tolist(), strict=True)):
        for column, (number, part) in enumerate(zip(numbers, parts, strict=True)):
            color = "#c0c0c0" if number == 0 else "white" if part > 0.5 else "black"
            axes.text(column, row, str(number), ha="center", va="center", fontsize=fontsize, color=color)


def _name_ticks(axes: Axes, names: Sequence[str]) -> None:
    step = -(-len(names) // MAX_TICKS)
    shown, families = drawable(names)
    positions = range(0, len(names), step)
    axes.set_xticks(positions, shown[::step])
    if len(positions) > MAX_SLANTED_TICKS:
        axes.tick_params(axis="x", labelrotation=90)
        axes.tick_params(labelsize=7)
    elif max(map(len, shown)) > 3:
        axes.tick_params(axis="x", labelrotation=45)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    plainly(axes.get_xticklabels(), families)
    axes.set_yticks(positions, shown[::step])
    plainly(axes.get_yticklabels(), families)
