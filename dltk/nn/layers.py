"""Layers as a YAML lists them: each knows its options, checks what it receives, and builds torch's own."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, PositiveFloat, PositiveInt, Settings
from dltk.nn.activations import ActivationName, make_activation
from dltk.nn.image_layers import Conv2d, ConvTranspose2d, GlobalPool2d, Pool2d, Upsample
from dltk.nn.recurrent import CellName, Recurrent, RecurrentSteps
from dltk.nn.shapes import Shape
from dltk.nn.uncompiled import without_compiler


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


class Flatten(Settings):
    """Lay all values of a sample in one vector."""

    name: Literal["flatten"] = "flatten"

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's flatten."""
        shape.require(self.name, {1, 2, 3})
        return nn.Flatten()


class Reshape(Settings):
    """Lay the values of a sample out anew, such as 6272 values as 128 channels of 7x7 pixels."""

    name: Literal["reshape"] = "reshape"
    shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=3)]
    """The sizes of a sample: [values], [steps, values] or [channels, height, width]."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's unflatten after flatten."""
        shape.require(self.name, {1, 2, 3})
        count, wanted = math.prod(shape.sizes), math.prod(self.shape)
        if count != wanted:
            raise OptionError(
                "shape",
                f"must hold the {count} values it receives, {shape}; {list(self.shape)} holds {wanted}",
                id="DLTK-CONFIG-SHAPE",
            )
        return nn.Sequential(nn.Flatten(), nn.Unflatten(1, self.shape))


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


class GroupNorm(Settings):
    """Give groups of an image's channels mean 0 and variance 1, in each sample by itself (Wu & He 2018)."""

    name: Literal["group_norm"] = "group_norm"
    groups: PositiveInt = 32
    """Into how many groups the channels go; 1: all together; as many as channels: each by itself."""
    eps: PositiveFloat = 1e-5
    """Added to the variance."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's group normalisation."""
        shape.require(self.name, {3})
        if shape.sizes[0] % self.groups:
            raise OptionError(
                "groups",
                "must divide the number of channels",
                id="DLTK-CONFIG-SHAPE",
                found=str(self.groups),
                allowed=f"a divisor of {shape.sizes[0]}",
            )
        return nn.GroupNorm(self.groups, shape.sizes[0], self.eps)


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
            raise OptionError(
                "",
                f"embedding needs tokens or ids, straight from the data; it receives {shape}",
                id="DLTK-CONFIG-SHAPE",
            )
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
    | ConvTranspose2d
    | Pool2d
    | GlobalPool2d
    | Upsample
    | Flatten
    | Reshape
    | Dropout
    | BatchNorm
    | LayerNorm
    | GroupNorm
    | Activation
    | Embedding
    | RecurrentLayer,
    Field(discriminator="name"),
]


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
            with torch.device("meta"), without_compiler():
                probe = layer.build(shape)
            modules[str(i)] = layer.build(shape)
        except OptionError as error:
            raise error.below(option, i) from None
        shape = _shape_after(probe, shape)
        if isinstance(layer, (Dense, Conv2d, ConvTranspose2d)) and layer.activation != "identity":
            modules[f"{i}_activation"] = make_activation(layer.activation)
    return nn.Sequential(modules), shape


def _shape_after(module: nn.Module, shape: Shape) -> Shape:
    dtype = torch.float32 if shape.num_ids is None else torch.int64
    with torch.no_grad(), without_compiler():
        output: Tensor = module.eval()(torch.empty((1, *shape.sizes), dtype=dtype, device="meta"))
    return Shape(tuple(output.shape[1:]))
