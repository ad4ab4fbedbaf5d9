"""Merging: several values made one, side by side or value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from dltk.config.errors import OptionError
from dltk.nn.shapes import Shape

MergeName = Literal["concat", "add", "mul"]


def merge(values: Sequence[Tensor], how: MergeName) -> Tensor:
    """Join values (B, ...): side by side along features, or channels of images; or add or multiply them."""
    if len(values) == 1:
        return values[0]
    if how == "concat":
        return torch.cat(list(values), dim=1 + _feature_axis(values[0].dim() - 1))
    stacked = torch.stack(list(values))
    return stacked.sum(0) if how == "add" else stacked.prod(0)


def merged_shape(shapes: Sequence[tuple[str, Shape]], how: MergeName, option: str) -> Shape:
    """Return the shape that `merge` makes of named values; a single one stays as it is.

    Raises:
        OptionError: At `option`: they are ids, or their shapes do not fit.
    """
    first = shapes[0][1]
    if len(shapes) == 1:
        return first
    for _, shape in shapes:
        shape.require_numbers(option)
    axis = _feature_axis(first.rank)
    free = {axis} if how == "concat" else set()
    if len({tuple(0 if i in free else size for i, size in enumerate(shape.sizes)) for _, shape in shapes}) > 1:
        received = ", ".join(f"{name} {shape}" for name, shape in shapes)
        allowed = "shapes that differ in nothing but features or channels" if free else "equal shapes"
        raise OptionError(
            option, f"{how} cannot take these shapes", id="DLTK-CONFIG-SHAPE", found=received, allowed=allowed
        )
    sizes = list(first.sizes)
    if how == "concat":
        sizes[axis] = sum(shape.sizes[axis] for _, shape in shapes)
    return Shape(tuple(sizes))


def _feature_axis(rank: int) -> int:
    """Return the axis of features in (D,) and (T, D), of channels in (C, H, W)."""
    return 1 if rank == 2 else 0
