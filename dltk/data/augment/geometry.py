"""Images moved, turned and scaled, each in its own way: float (B, C, H, W) stays float (B, C, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def flipped(images: Tensor, chosen: Tensor, axis: int) -> Tensor:
    """Mirror the chosen images along an axis; `chosen` is bool (B,)."""
    size = images.shape[axis]
    places = torch.arange(size, device=images.device)
    places = torch.where(chosen[:, None], size - 1 - places, places)
    shape = [len(images), 1, 1, 1]
    shape[axis] = size
    return images.gather(axis, places.view(shape).expand_as(images))


def cropped(images: Tensor, padding: int, mode: str, offsets: Tensor) -> Tensor:
    """Pad the images, and cut pieces of their old size.

    Args:
        images: (B, C, H, W).
        padding: Pixels on each side.
        mode: "zero", or "reflect" for the image mirrored at its border.
        offsets: From the top and the left of the padded image, int64 (B, 2), each from 0 to twice the padding.
    """
    height, width = images.shape[2:]
    padded = functional.pad(images, (padding,) * 4, mode="constant" if mode == "zero" else mode)
    pieces = padded.unfold(2, height, 1).unfold(3, width, 1)
    return pieces[torch.arange(len(images), device=images.device), :, offsets[:, 0], offsets[:, 1]]


def rotations(degrees: Tensor) -> Tensor:
    """Return, per sample, where a turn (counter-clockwise as one sees it) takes its pixels from, (B, 3, 3).

    These matrices take a place (x, y, 1) of the result, in pixels from the centre, y downwards, to the place in the
    image that is seen there. The product of several in order is one change after another.
    """
    angles = torch.deg2rad(degrees)
    cosines, sines, zeros = angles.cos(), angles.sin(), torch.zeros_like(angles)
    return _matrices(cosines, -sines, zeros, sines, cosines, zeros)


def translations(right: Tensor, down: Tensor) -> Tensor:
    """Return the matrices (see `rotations`) of shifts in pixels, each (B,)."""
    ones, zeros = torch.ones_like(right), torch.zeros_like(right)
    return _matrices(ones, zeros, -right, zeros, ones, -down)


def zooms(factors: Tensor) -> Tensor:
    """Return the matrices (see `rotations`) of enlargements by factors (B,)."""
    zeros = torch.zeros_like(factors)
    return _matrices(1 / factors, zeros, zeros, zeros, 1 / factors, zeros)


def shears(degrees: Tensor) -> Tensor:
    """Return the matrices (see `rotations`) of slants along the rows (B,); positive moves the upper half right."""
    ones, zeros = torch.ones_like(degrees), torch.zeros_like(degrees)
    return _matrices(ones, torch.deg2rad(degrees).tan(), zeros, zeros, ones, zeros)


def warped(images: Tensor, matrices: Tensor) -> Tensor:
    """Resample the images once, bilinearly; what comes from outside is black.

    Args:
        images: (B, C, H, W).
        matrices: (B, 3, 3), see `rotations`.
    """
    height, width = images.shape[2:]
    (xx, xy, x), (yx, yy, y) = (row.unbind(1) for row in matrices[:, :2].unbind(1))
    # torch counts places in halves of the image's sides.
    in_halves = [xx, xy * (height / width), x * (2 / width), yx * (width / height), yy, y * (2 / height)]
    grid = functional.affine_grid(torch.stack(in_halves, 1).view(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _matrices(*cells: Tensor) -> Tensor:
    """Return matrices (B, 3, 3) of two rows, cell by cell, above (0, 0, 1)."""
    zeros = torch.zeros_like(cells[0])
    return torch.stack([*cells, zeros, zeros, zeros + 1], 1).view(-1, 3, 3)
