"""How a model's weights lie in memory: 2-d convolutions are faster where the channels come last."""

from __future__ import annotations

import torch
from torch import nn

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
KNOWN = {"dltk", "torch", "torchvision"}


def layout_of(model: nn.Module) -> str:
    """Return "channels_last" or "contiguous", by what a model consists of alone: a resumed run has the same.

    Models with code of others stay contiguous: `view`, which flattens images there, fails on other layouts.
    """
    modules = list(model.modules())
    has_convolutions = any(isinstance(module, CONVOLUTIONS) for module in modules)
    is_known = all(type(module).__module__.partition(".")[0] in KNOWN for module in modules)
    return "channels_last" if has_convolutions and is_known else "contiguous"


def laid_out(model: nn.Module) -> nn.Module:
    """Return a model with its weights as `layout_of` says; convolutions lay out what they receive and give likewise."""
    if layout_of(model) == "channels_last":
        model.to(memory_format=torch.channels_last)
    return model
