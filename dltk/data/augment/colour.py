"""The colours of images changed, each in its own way: float (B, 1 or 3, H, W) from 0 to 1 stays in 0 to 1."""

from __future__ import annotations

import torch
from torch import Tensor

_LUMA = (0.2989, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)


def brightened(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply each image by its factor (B,)."""
    return (images * _per_image(factors)).clamp(0, 1)


def contrasted(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each image with its mean grey; the factors (B,) are the image's weights, 1 leaves it as it is."""
    return _blended(images, grey(images).mean((1, 2, 3), keepdim=True), factors)


def saturated(images: Tensor, factors: Tensor) -> Tensor:
    """Blend each colour image with its grey version; the factors (B,) are the image's weights."""
    return _blended(images, grey(images), factors)


def greyed(images: Tensor, chosen: Tensor) -> Tensor:
    """Replace the chosen colour images (bool (B,)) by their grey versions, in three equal channels."""
    return torch.where(_per_image(chosen), grey(images), images)


def noisy(images: Tensor, noise: Tensor) -> Tensor:
    """Add noise of the same shape."""
    return (images + noise).clamp(0, 1)


def hue_shifted(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the colours of images (B, 3, H, W) by parts (B,) of the colour circle."""
    largest, smallest = images.amax(1), images.amin(1)
    spread = largest - smallest
    red, green, blue = images.unbind(1)
    safe = torch.where(spread > 0, spread, 1.0)
    sector = torch.where(
        largest == red,
        (green - blue) / safe,
        torch.where(largest == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = sector / 6 + shifts[:, None, None]
    channels = [_channel(hue, offset, largest, spread) for offset in (5, 3, 1)]
    return torch.stack(channels, 1).clamp(0, 1)


def grey(images: Tensor) -> Tensor:
    """Return how bright each pixel looks, (B, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    return _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue


def _channel(hue: Tensor, offset: int, largest: Tensor, spread: Tensor) -> Tensor:
    """Return red (offset 5), green (3) or blue (1) of a hue in parts of the circle, each (B, H, W)."""
    place = (offset + 6 * hue) % 6
    return largest - spread * torch.minimum(place, 4 - place).clamp(0, 1)


def _blended(images: Tensor, others: Tensor, weights: Tensor) -> Tensor:
    share = _per_image(weights)
    return (images * share + others * (1 - share)).clamp(0, 1)


def _per_image(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
