"""Layers one after another, as the YAML lists them; sizes follow from the data."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from torch import Tensor, nn

from dltk.config.settings import Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_ids, num_outputs, only_input, only_target
from dltk.data.specs import Ids, Image, Modality, Series, Spec, Table, Tokens, Vector
from dltk.nn.layers import Layer, build_layers
from dltk.nn.shapes import Shape


class Config(Settings):
    """The layers listed are the hidden ones; the output layer follows from the data.

    Parameters: `layers.N.weight` and `layers.N.bias` of layer N, counted from 0 as in the list; then `head.weight` and
    `head.bias`.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector, Tokens, Series, Ids)
    role: ClassVar[str] = "predictor"

    layers: tuple[Layer, ...]
    """Hidden layers from input to output, such as [{name: dense, units: 64, activation: relu}]."""
    head: Literal["auto", "none"] = "auto"
    """`auto` flattens and adds a dense layer with one output per class or number; `none`: the last layer gives them."""


class LayersWithHead(nn.Module):
    """Layers, then a dense layer on all values that leave them."""

    def __init__(self, layers: nn.Sequential, num_inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = layers
        self.head = nn.Linear(num_inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, ...) into (B, num_outputs)."""
        outputs: Tensor = self.head(self.layers(x).flatten(1))
        return outputs


class BareLayers(nn.Module):
    """Layers whose last gives the outputs."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, ...) into (B, num_outputs)."""
        outputs: Tensor = self.layers(x)
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the layers with sizes inferred; raise OptionError where one cannot take what it receives."""
    modality, outputs = only_input(spec), num_outputs(only_target(spec))
    layers, shape = build_layers(config.layers, Shape(modality.shape, num_ids(modality)), "layers")
    if config.head == "none":
        shape.require_outputs(outputs, "layers")
        return BareLayers(layers)
    shape.require_numbers("layers")
    return LayersWithHead(layers, math.prod(shape.sizes), outputs)
