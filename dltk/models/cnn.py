"""Convolutional network: convolutions and pools in one list, then dense layers and the output layer."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_image, only_target
from dltk.data.specs import Image, Modality, Spec
from dltk.nn.activations import ActivationName, make_activation
from dltk.nn.image_layers import PixelMax, PixelMean

POOL: Literal["pool"] = "pool"


class Config(Settings):
    """A number in `layers` is a convolution with so many filters, which keeps the size; `pool` halves the image.

    Parameters: `layers.N.weight` and `layers.N.bias` of the convolution at place N of the list, counted from 0, and
    `layers.N_norm.*` of its batch normalisation; `dense.0.weight` ... of the dense layers; then `head.weight` and
    `head.bias`.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "predictor"

    layers: Annotated[tuple[PositiveInt | Literal["pool"], ...], Field(min_length=1)] = (32, POOL, 64, POOL)
    """From the image on, such as [32, 32, pool, 64, 64, pool]."""
    kernel_size: PositiveInt = 3
    """Height and width of every filter in pixels; odd."""
    batch_norm: bool = False
    """Normalise each filter's output over the batch, before the activation."""
    activation: ActivationName = "relu"
    """What convolutions and dense layers pass through."""
    pooling: Literal["max", "mean"] = "max"
    """What is kept of each 2x2 window."""
    pool_dropout: Fraction = 0.0
    """Part of the values set to zero after each pool while training."""
    readout: Literal["flatten", "mean", "max"] = "flatten"
    """What of the last maps goes on: every pixel, or each map's mean or largest pixel, whatever the image's size."""
    hidden: tuple[PositiveInt, ...] = ()
    """Units of each dense layer before the output layer."""
    dropout: Fraction = 0.0
    """Part of the values set to zero before each dense layer, the output layer too, while training."""

    @model_validator(mode="after")
    def _refuse_even_kernel(self) -> Self:
        if self.kernel_size % 2 == 0:
            raise OptionError(
                "kernel_size",
                "an even size has no middle",
                found=str(self.kernel_size),
                allowed="an odd number, such as 3 or 5",
            )
        return self


class CNN(nn.Module):
    """Convolutions and pools, a readout, dense layers, and a head.

    Args:
        image: What it looks at; large enough for every pool.
        outputs: Width of the head.
        config: What comes between.
    """

    def __init__(self, image: Image, outputs: int, config: Config) -> None:
        super().__init__()
        self.layers = _convolutions(image.channels, config)
        num_pools = config.layers.count(POOL)
        maps = [image.channels, *(filters for filters in config.layers if isinstance(filters, int))][-1]
        pixels = (image.height >> num_pools) * (image.width >> num_pools) if config.readout == "flatten" else 1
        self.readout = {"flatten": nn.Flatten, "mean": PixelMean, "max": PixelMax}[config.readout]()
        sizes = (maps * pixels, *config.hidden)
        self.dense = _dense(sizes, config)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (B, C, H, W) into (B, num_outputs)."""
        outputs: Tensor = self.head(self.dropout(self.dense(self.readout(self.layers(x)))))
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data; raise OptionError where a pool would find no pixel."""
    image = only_image(spec, "cnn", 2 ** config.layers.count(POOL), "; or take fewer pools")
    return CNN(image, num_outputs(only_target(spec)), config)


def _convolutions(channels: int, config: Config) -> nn.Sequential:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for i, filters in enumerate(config.layers):
        if filters == POOL:
            modules[f"{i}"] = nn.MaxPool2d(2) if config.pooling == "max" else nn.AvgPool2d(2)
            if config.pool_dropout > 0:
                modules[f"{i}_dropout"] = nn.Dropout(config.pool_dropout)
            continue
        assert isinstance(filters, int)
        has_bias = not config.batch_norm  # which would take it away again
        modules[f"{i}"] = nn.Conv2d(channels, filters, config.kernel_size, padding="same", bias=has_bias)
        if config.batch_norm:
            modules[f"{i}_norm"] = nn.BatchNorm2d(filters)
        modules[f"{i}_activation"] = make_activation(config.activation)
        channels = filters
    return nn.Sequential(modules)


def _dense(sizes: tuple[int, ...], config: Config) -> nn.Sequential:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (num_inputs, num_units) in enumerate(pairwise(sizes)):
        modules[f"{i}_dropout"] = nn.Dropout(config.dropout)
        modules[f"{i}"] = nn.Linear(num_inputs, num_units)
        modules[f"{i}_activation"] = make_activation(config.activation)
    return nn.Sequential(modules)
