"""Layers as a YAML lists them: each knows its options, checks what it receives, and builds torch's own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, PositiveFloat, PositiveInt, Settings
from dltk.nn.activations import ActivationName, make_activation
from dltk.nn.recurrent import CellName, Recurrent, RecurrentSteps
from dltk.nn.shapes import Shape

Pixels = Annotated[int, Field(ge=0, le=10**6)]


class Dense(Settings):
    """Every output sees every input; on a sequence (T, D), at each step alike."""

    name: Literal["dense"] = "dense"
    units: PositiveInt
    """Outputs."""
    activation: ActivationName = "identity"
    """What each output passes through."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's linear layer."""
        shape.require(self.name, {1, 2})
        return nn.Linear(shape.sizes[-1], self.units)


class Conv2d(Settings):
    """Filters that slide over an image; (C, H, W) becomes (filters, H', W')."""

    name: Literal["conv2d"] = "conv2d"
    filters: PositiveInt
    """Output channels."""
    kernel_size: PositiveInt | tuple[PositiveInt, PositiveInt] = 3
    """Height and width of a filter in pixels, or one number for both."""
    stride: PositiveInt = 1
    """Pixels from one position to the next."""
    padding: Literal["same", "valid"] | Pixels = "valid"
    """Zeros around the image: `valid` none, `same` so that stride 1 keeps the size, or pixels on each side."""
    activation: ActivationName = "identity"
    """What each output passes through."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's convolution."""
        shape.require(self.name, {3})
        channels, height, width = shape.sizes
        kernel = (self.kernel_size,) * 2 if isinstance(self.kernel_size, int) else self.kernel_size
        padding = self._pixels(kernel)
        _refuse_nothing_left("kernel_size", kernel, (height + 2 * padding[0], width + 2 * padding[1]))
        return nn.Conv2d(channels, self.filters, kernel, self.stride, padding)

    def _pixels(self, kernel: tuple[int, int]) -> tuple[int, int]:
        if self.padding == "valid":
            return (0, 0)
        if self.padding != "same":
            return (self.padding, self.padding)
        if not all(size % 2 for size in kernel):
            received = "x".join(str(size) for size in kernel)
            raise OptionError("kernel_size", f"padding same needs odd sizes such as 3 or 5; received {received}")
        return (kernel[0] // 2, kernel[1] // 2)


class Pool2d(Settings):
    """Keep the largest value, or the mean, of each window of an image."""

    name: Literal["max_pool2d", "avg_pool2d"]
    size: PositiveInt = 2
    """Height and width of the window in pixels."""
    stride: PositiveInt | None = None
    """Pixels from one window to the next; default the size."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's pooling."""
        shape.require(self.name, {3})
        _refuse_nothing_left("size", (self.size, self.size), (shape.sizes[1], shape.sizes[2]))
        kind = nn.MaxPool2d if self.name == "max_pool2d" else nn.AvgPool2d
        return kind(self.size, self.stride)


class GlobalAvgPool2d(Settings):
    """Keep each channel's mean; an image (C, H, W) becomes (C,)."""

    name: Literal["global_avg_pool2d"] = "global_avg_pool2d"

    def build(self, shape: Shape) -> nn.Module:
        """Return the mean over height and width."""
        shape.require(self.name, {3})
        return PixelMean()


class Flatten(Settings):
    """Lay all values of a sample in one vector."""

    name: Literal["flatten"] = "flatten"

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's flatten."""
        shape.require(self.name, {1, 2, 3})
        return nn.Flatten()


class Dropout(Settings):
    """While training, set values to zero at random and enlarge the others alike (Srivastava et al. 2014)."""

    name: Literal["dropout"] = "dropout"
    rate: Fraction = 0.5
    """Part of the values set to zero."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's dropout."""
        shape.require(self.name, {1, 2, 3})
        return nn.Dropout(self.rate)


class BatchNorm(Settings):
    """Give each feature, or each channel of an image, mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015)."""

    name: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Weight of the newest batch in the running statistics."""
    eps: PositiveFloat = 1e-5
    """Added to the variance."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's batch normalisation of vectors or of images."""
        shape.require(self.name, {1, 3})
        kind = nn.BatchNorm1d if shape.rank == 1 else nn.BatchNorm2d
        return kind(shape.sizes[0], eps=self.eps, momentum=self.momentum)


class LayerNorm(Settings):
    """Give each sample's features mean 0 and variance 1; in a sequence, each step's (Ba et al. 2016)."""

    name: Literal["layer_norm"] = "layer_norm"
    eps: PositiveFloat = 1e-5
    """Added to the variance."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's layer normalisation; over all values of an image, else over the last axis."""
        shape.require(self.name, {1, 2, 3})
        return nn.LayerNorm(shape.sizes if shape.rank == 3 else shape.sizes[-1:], eps=self.eps)


class Activation(Settings):
    """A function of each value."""

    name: Literal["activation"] = "activation"
    function: ActivationName
    """Which function."""

    def build(self, shape: Shape) -> nn.Module:
        """Return the activation."""
        shape.require(self.name, {1, 2, 3})
        return make_activation(self.function)


class Embedding(Settings):
    """A learned vector per id; tokens (T,) become (T, units), a single id becomes (units,)."""

    name: Literal["embedding"] = "embedding"
    units: PositiveInt
    """Length of each vector."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's embedding of all ids of the data."""
        if shape.num_ids is None:
            raise OptionError("", f"embedding needs tokens or ids, straight from the data; it receives {shape}")
        return nn.Embedding(shape.num_ids, self.units)


class RecurrentLayer(Settings):
    """Cells that read a sequence (T, D) step by step."""

    name: CellName
    units: PositiveInt
    """Length of the hidden state."""
    layers: PositiveInt = 1
    """Networks on top of each other."""
    bidirectional: bool = False
    """Read backwards too; doubles the outputs."""
    return_sequences: bool = False
    """Give the state at every step, (T, units), not only the last, (units,)."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's cells, read out as asked."""
        shape.require(self.name, {2})
        cells = Recurrent(
            self.name, shape.sizes[1], self.units, num_layers=self.layers, bidirectional=self.bidirectional
        )
        return RecurrentSteps(cells) if self.return_sequences else cells


Layer = Annotated[
    Dense
    | Conv2d
    | Pool2d
    | GlobalAvgPool2d
    | Flatten
    | Dropout
    | BatchNorm
    | LayerNorm
    | Activation
    | Embedding
    | RecurrentLayer,
    Field(discriminator="name"),
]


class PixelMean(nn.Module):
    """The mean over height and width."""

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, H, W) into (B, C)."""
        return x.mean((2, 3))


def build_layers(layers: Sequence[Layer], shape: Shape, option: str) -> tuple[nn.Sequential, Shape]:
    """Build layers one after another, and find the shape that leaves the last.

    Layer N is the module "N", a layer's own activation "N_activation": parameter names follow the YAML.

    Args:
        layers: Their options, in order.
        shape: What enters the first.
        option: Dotted path of the list, for messages.

    Raises:
        OptionError: A layer cannot take what it receives.
    """
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for i, layer in enumerate(layers):
        try:
            with torch.device("meta"):
                probe = layer.build(shape)
            modules[str(i)] = layer.build(shape)
        except OptionError as error:
            raise OptionError(".".join([option, str(i), *map(str, error.path)]), error.message) from None
        shape = _shape_after(probe, shape)
        if isinstance(layer, (Dense, Conv2d)) and layer.activation != "identity":
            modules[f"{i}_activation"] = make_activation(layer.activation)
    return nn.Sequential(modules), shape


def _shape_after(module: nn.Module, shape: Shape) -> Shape:
    dtype = torch.float32 if shape.num_ids is None else torch.int64
    with torch.no_grad():
        output: Tensor = module.eval()(torch.empty((1, *shape.sizes), dtype=dtype, device="meta"))
    return Shape(tuple(output.shape[1:]))


def _refuse_nothing_left(option: str, window: tuple[int, int], sizes: tuple[int, int]) -> None:
    if window[0] > sizes[0] or window[1] > sizes[1]:
        raise OptionError(
            option,
            f"a window of {window[0]}x{window[1]} leaves nothing of {sizes[0]}x{sizes[1]} pixels; take a smaller one, "
            "or fewer layers that shrink the image",
        )
