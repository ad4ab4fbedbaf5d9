"""Grids of images, with a caption below each where there is something to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import pad

from dltk.pictures.fonts import drawable, plainly

COLUMNS = 8


def image_grid(images: Tensor, title: str, captions: Sequence[str] = ()) -> Figure:
    """Draw images (n, 1 or 3, H, W), eight to a row; values outside 0..1 are stretched into it."""
    rows = -(-len(images) // COLUMNS)
    height = (1.25 if captions else 1.0) * images.shape[2] / images.shape[3]
    figure = Figure(figsize=(9.6, max(1.2 * height * rows, 1.2) + 0.6), layout="constrained")
    axes = figure.subplots()
    plainly([axes.set_title(title)], ["DejaVu Sans"])
    _draw(axes, images, captions)
    return figure


def image_pairs(above: Tensor, below: Tensor, title: str) -> Figure:
    """Draw images (n, 1 or 3, H, W), each above its counterpart; values are stretched alike."""
    both = _stretched(torch.cat([above, below]))
    seam = torch.ones(len(above), both.shape[1], max(1, both.shape[2] // 28), both.shape[3])
    return image_grid(torch.cat([both[: len(above)], seam, both[len(above) :]], 2), title)


def image_grids(groups: Mapping[str, Tensor], title: str) -> Figure:
    """Draw groups of images (n, 1 or 3, H, W) side by side, each under its name."""
    figure = Figure(figsize=(5 * len(groups), 5.6), layout="constrained")
    plainly([figure.suptitle(title)], ["DejaVu Sans"])
    for axes, (name, images) in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups.items(), strict=True):
        axes.set_title(f"{name} ({len(images)})")
        _draw(axes, images, ())
    return figure


def _draw(axes: Axes, images: Tensor, captions: Sequence[str]) -> None:
    gap = max(1, images.shape[2] // 14)
    below = int(0.25 * images.shape[2]) if captions else 0
    columns = min(COLUMNS, len(images))
    axes.imshow(_tiled(_stretched(images), columns, gap, below).permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set_axis_off()
    height, width = images.shape[2] + gap + below, images.shape[3] + gap
    bottom = gap // 2 + 1.03 * images.shape[2] - 0.5  # the first pixel reaches from -0.5 to 0.5
    drawn, families = drawable(captions)
    texts = []
    for i, caption in enumerate(drawn):
        x, y = (i % columns + 0.5) * width - 0.5, (i // columns) * height + bottom
        texts.append(axes.text(x, y, caption, ha="center", va="top", fontsize=7))
    plainly(texts, families)


def _stretched(images: Tensor) -> Tensor:
    images = images.detach().float().cpu().nan_to_num(0.0)
    low, high = images.amin().item(), images.amax().item()
    return images if low >= 0 and high <= 1 else (images - low) / max(high - low, 1e-12)


def _tiled(images: Tensor, columns: int, gap: int, below: int) -> Tensor:
    """Return (3, rows, columns) pixels: white between the images and in the last row's empty places."""
    images = images.expand(-1, 3, -1, -1)
    padded = pad(images, (gap // 2, gap - gap // 2, gap // 2, gap - gap // 2 + below), value=1.0)
    empty = -len(padded) % columns
    padded = torch.cat([padded, torch.ones(empty, *padded.shape[1:])])
    _, channels, height, width = padded.shape
    grid = padded.view(-1, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(channels, -1, columns * width)
