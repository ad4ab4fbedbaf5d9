"""GoogLeNet for small images: nine Inception blocks, each of four branches side by side."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from dltk.config.settings import Fraction, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_image, only_target
from dltk.data.specs import Image, Modality, Spec
from dltk.nn.image_layers import PixelMean
from dltk.nn.normalization import NormalizeOption, make_normalize

STEM = 192
WIDTHS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Filters of each block (Szegedy et al. 2015, table 1): 1x1; 1x1 before 3x3, 3x3; 1x1 before 5x5, 5x5; 1x1 behind the
pool."""
POOLS = ("4a", "5a")
"""Blocks before which the image is halved."""
MIN_SIZE = 4


class Config(Settings):
    """The nine Inception blocks of GoogLeNet (Szegedy et al. 2015, table 1) behind one convolution, for 32x32 pixels.

    Two max-pools instead of five, batch normalisation after each convolution, no auxiliary outputs; the 5x5 filters are
    kept. Filters per block, at `width: 1`, of the branches 1x1 / 3x3 / 5x5 / pool, in brackets those of the 1x1 before:
    convolution 3x3 192; 3a 64 / (96) 128 / (16) 32 / 32; 3b 128 / (128) 192 / (32) 96 / 64; max-pool;
    4a 192 / (96) 208 / (16) 48 / 64; 4b 160 / (112) 224 / (24) 64 / 64; 4c 128 / (128) 256 / (24) 64 / 64;
    4d 112 / (144) 288 / (32) 64 / 64; 4e 256 / (160) 320 / (32) 128 / 128; max-pool;
    5a 256 / (160) 320 / (32) 128 / 128; 5b 384 / (192) 384 / (48) 128 / 128; mean over all pixels.

    Parameters: `stem.conv.weight`, `stem.norm.*`; `inception_3a.one.conv.weight`, `inception_3a.three.0.conv.weight`,
    `inception_3a.three.1.conv.weight`, `inception_3a.five.0.conv.weight` ..., `inception_3a.pooled.1.conv.weight`, each
    with its `norm.*`; ...; then `head.weight` and `head.bias`.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "predictor"

    width: Annotated[float, Field(gt=0, le=4)] = 0.25
    """Filters of every layer as a part of the table's, rounded, at least 1; a quarter is 0.4 million parameters."""
    dropout: Fraction = 0.2
    """Part of the values set to zero before the output layer while training."""
    normalize: NormalizeOption = "none"
    """What pixels from 0 to 1 are brought to first: `imagenet`, or {mean: [...], std: [...]} per channel. Weights that
    are loaded from a run bring their own: leave this out beside them."""


class Convolution(nn.Module):
    """A convolution that keeps the size, batch normalisation and ReLU."""

    def __init__(self, num_inputs: int, filters: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(num_inputs, filters, size, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, inputs, H, W) into (B, filters, H, W)."""
        return torch.relu(self.norm(self.conv(x)))


class Inception(nn.Module):
    """Four branches that look at the same maps; what they give stands side by side.

    Args:
        num_inputs: Maps.
        filters: A row of WIDTHS.
    """

    def __init__(self, num_inputs: int, filters: tuple[int, ...]) -> None:
        super().__init__()
        one, before_three, three, before_five, five, pooled = filters
        self.one = Convolution(num_inputs, one, 1)
        self.three = nn.Sequential(Convolution(num_inputs, before_three, 1), Convolution(before_three, three, 3))
        self.five = nn.Sequential(Convolution(num_inputs, before_five, 1), Convolution(before_five, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), Convolution(num_inputs, pooled, 1))
        self.num_outputs = one + three + five + pooled

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, inputs, H, W) into (B, num_outputs, H, W)."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1)


class GoogLeNet(nn.Module):
    """A convolution, Inception blocks with pools between them, the mean over all pixels, and a head.

    Args:
        normalize: The first layer.
        channels: Of the images.
        outputs: Width of the head.
        config: Width and dropout.
    """

    def __init__(self, normalize: nn.Module, channels: int, outputs: int, config: Config) -> None:
        super().__init__()
        self.normalize = normalize
        maps = _scaled(STEM, config)
        self.stem = Convolution(channels, maps, 3)
        for name, filters in WIDTHS.items():
            block = Inception(maps, tuple(_scaled(count, config) for count in filters))
            self.add_module(f"inception_{name}", block)
            maps = block.num_outputs
        self.halve = nn.MaxPool2d(2)
        self.pool = PixelMean()
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(maps, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (B, C, H, W) into (B, num_outputs)."""
        x = self.stem(self.normalize(x))
        for name in WIDTHS:
            x = self.get_submodule(f"inception_{name}")(self.halve(x) if name in POOLS else x)
        outputs: Tensor = self.head(self.dropout(self.pool(x)))
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data; raise OptionError for anything but images of at least 4x4 pixels."""
    image = only_image(spec, "googlenet_small", MIN_SIZE)
    normalize = make_normalize(config.normalize, image.channels)
    return GoogLeNet(normalize, image.channels, num_outputs(only_target(spec)), config)


def _scaled(count: int, config: Config) -> int:
    return max(1, round(count * config.width))
