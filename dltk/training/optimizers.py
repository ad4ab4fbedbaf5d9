"""Optimizers by their usual names; each knows its options and builds torch's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol, Self

import torch
from pydantic import model_validator
from torch import nn

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, NonNegativeFloat, PositiveFloat, Settings

Betas = tuple[Fraction, Fraction]


class OptimizerSettings(Protocol):
    """Options of an optimizer, and how torch's is made from them."""

    @property
    def lr(self) -> float:
        """The base learning rate."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimizer of these parameters."""


class SGD(Settings):
    """Stochastic gradient descent, with momentum where asked."""

    name: Literal["sgd"] = "sgd"
    lr: PositiveFloat = 0.01
    """Learning rate."""
    momentum: Fraction = 0.0
    """Part of the previous move that is kept."""
    nesterov: bool = False
    """Look ahead along the momentum; needs momentum."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    @model_validator(mode="after")
    def _refuse_nesterov_alone(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise OptionError("nesterov", "needs momentum; set momentum, such as 0.9, or leave nesterov out")
        return self

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's SGD."""
        return torch.optim.SGD(
            parameters,
            self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            fused=True,
        )


class Adam(Settings):
    """Adam (Kingma & Ba 2015)."""

    name: Literal["adam"] = "adam"
    lr: PositiveFloat = 1e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of their squares."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's Adam."""
        return torch.optim.Adam(
            parameters, self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )


class AdamW(Settings):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 1e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of their squares."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.01
    """Part of each weight removed per unit of learning rate."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's AdamW."""
        return torch.optim.AdamW(
            parameters, self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )


OPTIMIZERS: dict[str, type[Settings]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
