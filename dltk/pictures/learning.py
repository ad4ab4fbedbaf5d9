"""Learning curves: losses and the main score over epochs or steps, with the best marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLORS = {"train": "#4c78a8", "val": "#f58518"}


def learning_curves(
    rows: Sequence[Mapping[str, Any]], panels: Sequence[Sequence[str]], best_step: int | None
) -> Figure:
    """Draw some columns of metrics.jsonl.

    Args:
        rows: One per evaluation, each with `step` and `epoch`.
        panels: The names to draw together, such as train/loss with val/loss.
        best_step: Where a line marks the weights in use; None marks nothing.
    """
    figure = Figure(figsize=(5.5 * len(panels), 4.2), layout="constrained")
    epochs = [row["epoch"] for row in rows]
    unit = "epoch" if len(set(epochs)) == len(epochs) else "step"
    for axes, names in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name in names:
            _draw(axes, name, [(row[unit], row[name]) for row in rows if name in row])
        for row in rows:
            if row["step"] == best_step:
                axes.axvline(row[unit], color="#54a24b", linewidth=1, linestyle="--", label=f"best: {unit} {row[unit]}")
        axes.set_xlabel(unit)
        axes.set_title(_common(names))
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _draw(axes: Axes, name: str, points: Sequence[tuple[int, float | None]]) -> None:
    values = [math.nan if value is None else value for _, value in points]
    split = name.partition("/")[0]
    marker = "." if len(points) <= 40 else ""
    axes.plot([place for place, _ in points], values, marker=marker, color=_COLORS.get(split), label=name)


def _common(names: Sequence[str]) -> str:
    """Return what the names have in common behind their split, such as "loss"."""
    return ", ".join(dict.fromkeys(name.partition("/")[2] for name in names)).replace("_", " ")
