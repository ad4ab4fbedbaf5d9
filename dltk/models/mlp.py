"""Multi-layer perceptron: dense hidden layers, then the output layer."""

from __future__ import annotations

import math
from collections import OrderedDict
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from dltk.config.settings import Fraction, PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_input, only_target
from dltk.data.specs import Image, Modality, Spec, Table, Vector
from dltk.nn.activations import ActivationName, make_activation


class Config(Settings):
    """Dense layers on top of each other; an image is laid out as one vector.

    Parameters: `layers.0.weight` (units, inputs) and `layers.0.bias` (units) of the first hidden layer,
    `layers.1.weight` of the second ..., then `head.weight` (outputs, units) and `head.bias` (outputs); two classes have
    one output.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector)
    role: ClassVar[str] = "predictor"

    hidden: tuple[PositiveInt, ...] = (64, 64)
    """Units of each hidden layer."""
    activation: ActivationName = "relu"
    """What hidden units pass through; `step` learns nothing and is for weights set by hand."""
    dropout: Fraction = 0.0
    """Part of the hidden values set to zero while training."""
    batch_norm: bool = False
    """Normalise each hidden unit over the batch, before the activation."""


class MLP(nn.Module):
    """Hidden layers and a head.

    Args:
        sizes: Inputs, hidden units ..., outputs.
        config: What comes between the layers.
    """

    def __init__(self, sizes: tuple[int, ...], config: Config) -> None:
        super().__init__()
        modules: OrderedDict[str, nn.Module] = OrderedDict()
        for i, (num_inputs, num_units) in enumerate(pairwise(sizes[:-1])):
            modules[f"{i}"] = nn.Linear(num_inputs, num_units)
            if config.batch_norm:
                modules[f"{i}_norm"] = nn.BatchNorm1d(num_units)
            modules[f"{i}_activation"] = make_activation(config.activation)
            if config.dropout > 0:
                modules[f"{i}_dropout"] = nn.Dropout(config.dropout)
        self.layers = nn.Sequential(modules)
        self.head = nn.Linear(sizes[-2], sizes[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, ...) into (B, num_outputs)."""
        outputs: Tensor = self.head(self.layers(x.flatten(1)))
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data."""
    sizes = (math.prod(only_input(spec).shape), *config.hidden, num_outputs(only_target(spec)))
    return MLP(sizes, config)
