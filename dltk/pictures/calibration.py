"""The reliability diagram: whether answers given with 80 % are right 80 times of 100."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import Tensor

from dltk.pictures.fonts import plainly

_BLUE, _GAP = "#4c78a8", "#e45756"


def reliability_diagram(confidence: Tensor, accuracy: Tensor, count: Tensor, title: str) -> Figure:
    """Draw the share of right answers over their probability, and below how many answers each bin holds.

    Args:
        confidence: Mean probability of the answers in each of equally wide bins over 0..1; NaN where it is empty.
        accuracy: Share of them that are right.
        count: How many there are.
        title: Says how far both are apart.
    """
    figure = Figure(figsize=(5.2, 5.6), layout="constrained")
    plainly([figure.suptitle(title, fontsize=11)], ["DejaVu Sans"])
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = 1 / len(count)
    middles = [(i + 0.5) * width for i in range(len(count))]
    filled = [i for i, number in enumerate(count.tolist()) if number]
    shares = accuracy.tolist()
    upper.bar([middles[i] for i in filled], [shares[i] for i in filled], width, color=_BLUE, edgecolor="white")
    upper.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="perfect")
    points = [(confidence[i].item(), shares[i]) for i in filled]
    if points:
        upper.plot(*zip(*points, strict=True), ".", color=_GAP, label="mean probability of a bin")
    upper.set_ylabel("share of right answers")
    upper.set_ylim(0, 1.02)
    upper.legend(loc="upper left", framealpha=0.9)
    lower.bar(middles, count.tolist(), width, color="#9e9e9e", edgecolor="white")
    lower.set_xlim(0, 1)
    lower.set_xlabel("probability of the answer")
    lower.set_ylabel("answers")
    return figure
