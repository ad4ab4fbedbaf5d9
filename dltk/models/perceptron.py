"""Perceptron: one dense layer that begins at zero, for Rosenblatt's rule."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import nn

from dltk.config.settings import Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_input, only_target
from dltk.data.specs import Image, Modality, Spec, Table, Vector
from dltk.nn.affine import Affine


class Config(Settings):
    """Inputs go straight to the outputs (Rosenblatt 1958); an output above 0 means yes.

    Outputs are plain sums, without a step: Rosenblatt's rule is the loss `perceptron` of the task classification, with
    the optimizer sgd and one sample per batch. All weights begin at 0, so that the rule's every move can be foretold.

    Parameters: `weight` (outputs, inputs) and `bias` (outputs); two classes have one output.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector)
    role: ClassVar[str] = "predictor"


def build(_config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the perceptron for these data."""
    model = Affine(math.prod(only_input(spec).shape), num_outputs(only_target(spec)))
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model
