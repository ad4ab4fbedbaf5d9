"""Activations by their usual names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

ActivationName = Literal[
    "identity", "relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus", "step"
]
"""No softmax: a model's outputs are logits, and the loss normalises them itself."""


class Step(nn.Module):
    """Give 1 where x > 0, else 0 (McCulloch & Pitts 1943).

    Its gradient is zero everywhere, so nothing below it learns by gradients: it is for weights set by hand.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return 0 and 1 in the dtype and shape of `x`."""
        return torch.sign(torch.relu(x))


def make_activation(name: ActivationName) -> nn.Module:
    """Return a new activation; only `prelu` has a parameter, one slope for all units."""
    return _ACTIVATIONS[name]()


_ACTIVATIONS: dict[ActivationName, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "step": Step,
}
