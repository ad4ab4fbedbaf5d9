"""Which images a network takes, found out without computing anything."""

from __future__ import annotations

import bisect

import torch
from torch import nn
from torch.func import functional_call

from dltk.nn.uncompiled import without_compiler

LARGEST = 512


def takes(network: nn.Module, channels: int, height: int, width: int) -> bool:
    """Return whether a network takes images of a size; it is left as it is."""
    tensors = {name: torch.empty_like(tensor, device="meta") for name, tensor in network.state_dict().items()}
    image = torch.empty((1, channels, height, width), device="meta")
    was_training = network.training
    try:
        with without_compiler():
            functional_call(network.eval(), tensors, (image,))
    except (RuntimeError, ValueError, ZeroDivisionError):
        return False
    finally:
        network.train(was_training)
    return True


def least_side(network: nn.Module, channels: int) -> int | None:
    """Return the side of the smallest square that a network takes, None where it takes none of up to 512 pixels.

    Every larger one is assumed to do.
    """
    sides = range(1, LARGEST + 1)
    if not takes(network, channels, LARGEST, LARGEST):
        return None
    return sides[bisect.bisect_left(sides, x=True, key=lambda side: takes(network, channels, side, side))]
