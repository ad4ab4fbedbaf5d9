"""Ratings, some of one user's at a time, so that the user's vector is read and moved once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

TOGETHER = 16
"""Films of a user that are one sample; what a user has less is filled with nothing."""
NO_STAR = 0
"""The id of a film that is not there, and its stars."""
MIDDLE = 3.5
"""What a model's output 0 stands for, in stars."""


def star_losses(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared errors of each sample over TOGETHER, (B,).

    Args:
        outputs: Stars beyond the middle, (B, TOGETHER).
        wanted: Stars (B, 1 + TOGETHER), the first of which belongs to the user; no star is no rating.
    """
    stars = wanted[:, 1:]
    errors = (outputs - (stars - MIDDLE)) * (stars != NO_STAR)
    return errors.square().sum(1) / TOGETHER
