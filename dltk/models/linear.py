"""Linear model: one dense layer; logistic regression for classes, linear regression for numbers."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import nn

from dltk.config.settings import Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_input, only_target
from dltk.data.specs import Bag, Image, Modality, Spec, Table, Vector
from dltk.nn.affine import Affine
from dltk.nn.bags import BagAffine


class Config(Settings):
    """Inputs go straight to the outputs, beginning at small random weights.

    Parameters: `weight` (outputs, inputs) and `bias` (outputs); two classes have one output.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector, Bag)
    role: ClassVar[str] = "predictor"


def build(_config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the linear model for these data."""
    modality = only_input(spec)
    kind = BagAffine if isinstance(modality, Bag) else Affine
    return kind(math.prod(modality.shape), num_outputs(only_target(spec)))
