"""Rectangles inside images, one per sample, to cover or to replace what is there."""

from __future__ import annotations

import torch
from torch import Tensor

from dltk.data.augment.draws import between

ATTEMPTS = 10


def erased_rectangles(
    uniform: Tensor, size: tuple[int, int], area: tuple[float, float], ratio: tuple[float, float]
) -> Tensor:
    """Return what random erasing covers (Zhong et al. 2020, algorithm 1), bool (B, H, W).

    Args:
        uniform: From [0, 1), (B, 2 + 2 * ATTEMPTS).
        size: Height and width of the images.
        area: Smallest and largest part of the image that is covered.
        ratio: Smallest and largest height by width, drawn evenly on the log scale. Of ten rectangles drawn, the first
            that fits inside is taken; where none does, nothing is covered.
    """
    height, width = size
    log_low, log_high = torch.tensor(ratio, dtype=torch.float64).log().tolist()
    areas = between(*area, uniform[:, 2 : 2 + ATTEMPTS]) * height * width
    ratios = between(log_low, log_high, uniform[:, 2 + ATTEMPTS :]).exp()
    heights, widths = (areas * ratios).sqrt().round(), (areas / ratios).sqrt().round()
    fits = (heights < height) & (widths < width)
    first = fits.int().argmax(1, keepdim=True)
    taken = [sides.gather(1, first).squeeze(1) * fits.any(1) for sides in (heights, widths)]
    top = (uniform[:, 0] * (height - taken[0] + 1)).floor()
    left = (uniform[:, 1] * (width - taken[1] + 1)).floor()
    return inside(size, top, top + taken[0], left, left + taken[1])


def cut_rectangles(uniform: Tensor, size: tuple[int, int], shares: Tensor) -> Tensor:
    """Return what cutmix replaces (Yun et al. 2019): rectangles with the image's proportions around any place.

    Args:
        uniform: From [0, 1), (B, 2).
        size: Height and width of the images.
        shares: The part of the image that is replaced before the border cuts the rectangle, (B,).
    """
    bounds = []
    for uniforms, length in zip(uniform.unbind(1), size, strict=True):
        centre = (uniforms * length).floor()
        half = ((shares.sqrt() * length).floor() / 2).floor()
        bounds += [centre - half, centre + half]
    return inside(size, *bounds)


def inside(size: tuple[int, int], top: Tensor, bottom: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Return which pixels lie in each rectangle, bool (B, H, W); bounds are (B,), bottom and right excluded."""
    rows = torch.arange(size[0], device=top.device)
    columns = torch.arange(size[1], device=top.device)
    in_rows = (rows >= top[:, None]) & (rows < bottom[:, None])
    in_columns = (columns >= left[:, None]) & (columns < right[:, None])
    return in_rows[:, :, None] & in_columns[:, None, :]
