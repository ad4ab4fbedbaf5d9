"""Bars per label: how well each of several labels was found."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from dltk.pictures.fonts import drawable, plainly

MAX_BARS = 40


def label_bars(values: Tensor, names: Sequence[str], *, title: str, axis: str) -> Figure:
    """Draw one bar in 0..1 per label, worst at the top; of more than `MAX_BARS`, the worst; NaN has no bar."""
    order = values.nan_to_num(-1.0).argsort(stable=True)[:MAX_BARS].flip(0)
    shown, families = drawable(names)
    figure = Figure(figsize=(7, 1.4 + 0.26 * len(order)), layout="constrained")
    axes = figure.subplots()
    worst = values[order]
    axes.barh(range(len(order)), worst.nan_to_num(0.0).tolist(), color="#4c78a8")
    axes.set_yticks(range(len(order)), [shown[i] for i in order.tolist()])
    plainly(axes.get_yticklabels(), families)
    for row, value in enumerate(worst.tolist()):
        is_undefined = math.isnan(value)
        text = "undefined" if is_undefined else f"{value:.3f}"
        axes.text(0.01 if is_undefined else value + 0.01, row, text, va="center", fontsize=8)
    axes.set_xlim(0, 1.1)
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.set_xlabel(axis if len(order) == len(values) else f"{axis}: the worst {len(order)} of {len(values)}")
    plainly([axes.set_title(title)], ["DejaVu Sans"])
    return figure
