"""Normalisation of images as a model's own first layer, so that it travels with the model's weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import FiniteFloat, PositiveFloat, Settings, SettingsError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of the RGB pixels in 0..1 of ImageNet's training images, as most published weights expect them."""


class ChannelStatistics(Settings):
    """What each channel's pixels, from 0 to 1, are brought to mean 0 and deviation 1 by."""

    mean: Annotated[tuple[FiniteFloat, ...], Field(min_length=1, max_length=3)]
    """Subtracted, one number per channel."""
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1, max_length=3)]
    """Divided by, one number per channel."""


NormalizeOption = Literal["none", "imagenet"] | ChannelStatistics


class Normalize(nn.Module):
    """Subtract a mean per channel and divide by a deviation.

    Both are stored among the weights: weights that are loaded bring the normalisation they were trained with.

    Args:
        mean: Per channel, (C,).
        std: Per channel, (C,).

    Attributes:
        mean: (C, 1, 1).
        std: (C, 1, 1).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise images (B, C, H, W)."""
        return (x - self.mean) / self.std


def make_normalize(option: NormalizeOption, channels: int) -> Normalize:
    """Return the first layer of a model; `none` changes nothing, until weights bring their own.

    Raises:
        OptionError: The statistics are for another number of channels.
    """
    if option == "none":
        return Normalize((0.0,) * channels, (1.0,) * channels)
    imagenet = ChannelStatistics(mean=IMAGENET_MEAN, std=IMAGENET_STD)
    statistics = imagenet if option == "imagenet" else option
    assert isinstance(statistics, ChannelStatistics)
    for name, values in (("mean", statistics.mean), ("std", statistics.std)):
        if len(values) != channels:
            where = "normalize" if option == "imagenet" else f"normalize.{name}"
            raise OptionError(where, f"needs one {name} per channel", found=str(len(values)), allowed=str(channels))
    return Normalize(statistics.mean, statistics.std)


def option_of(model: nn.Module) -> NormalizeOption | None:
    """Return how the option `normalize` spells what a model's first layer does; None where it has no such layer.

    Raises:
        OptionError: No option spells that, for its numbers are broken.
    """
    layers = [module for module in model.modules() if isinstance(module, Normalize)]
    if len(layers) != 1:
        return None
    mean, std = (_spelled(values) for values in (layers[0].mean, layers[0].std))
    if not any(mean) and set(std) == {1.0}:
        return "none"
    if (mean, std) == (IMAGENET_MEAN, IMAGENET_STD):
        return "imagenet"
    try:
        return ChannelStatistics.parse({"mean": mean, "std": std})
    except SettingsError as error:
        raise OptionError("weights", f"bring a normalisation that cannot be: {error}") from None


def canonical(option: NormalizeOption) -> NormalizeOption | None:
    """Return an option as `option_of` spells it."""
    return option if isinstance(option, str) else option_of(Normalize(option.mean, option.std))


def _spelled(values: Tensor) -> tuple[float, ...]:
    """Return numbers of 32 bits with as few digits as tell them apart."""
    return tuple(float(str(value)) for value in values.flatten().numpy())


def refuse_twice_normalized(model: nn.Module, preparation: Any) -> None:
    """Refuse a model that normalises images where the data do so already.

    Raises:
        OptionError: The preparation says that it `standardizes`, and the model has a first layer that does, too.
    """
    layers = [module for module in model.modules() if isinstance(module, Normalize)]
    does = any(bool(layer.mean.any()) or bool((layer.std != 1).any()) for layer in layers)
    if does and getattr(preparation, "standardizes", False):
        raise OptionError(
            "", "normalises its images itself, and the data are standardised already; set data.normalize: unit"
        )
