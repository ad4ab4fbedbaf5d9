"""Optimizers by their usual names; each knows its options and builds torch's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import torch
from pydantic import model_validator

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, NonNegativeFloat, PositiveFloat
from dltk.training.adams import Adam, Adamax, AdamW, NAdam, RAdam
from dltk.training.updates.optimizer_settings import Groups, OptimizerSettings, Rate

__all__ = [
    "GD",
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
]


class GD(OptimizerSettings):
    """Full-batch gradient descent: one update per epoch, against the mean gradient over all training samples.

    `data.batch_size` only says how many samples are in memory at once.
    """

    takes_whole_epochs: ClassVar[bool] = True
    counters: ClassVar[tuple[str, ...]] = ()
    name: Literal["gd"] = "gd"
    lr: Rate = 0.01
    """Learning rate."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's SGD without momentum."""
        return torch.optim.SGD(groups, self.lr, weight_decay=self.weight_decay, fused=True)


class SGD(OptimizerSettings):
    """Stochastic gradient descent, with momentum where asked."""

    counters: ClassVar[tuple[str, ...]] = ()
    moments_of: ClassVar[Mapping[str, str]] = {"momentum": "momentum_buffer"}
    name: Literal["sgd"] = "sgd"
    lr: Rate = 0.01
    """Learning rate."""
    momentum: Fraction = 0.0
    """Part of the previous move that is kept."""
    dampening: Fraction = 0.0
    """Part of the gradient that does not enter the momentum."""
    nesterov: bool = False
    """Look ahead along the momentum; needs momentum and no dampening."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise OptionError(
                "nesterov",
                "needs momentum; set momentum, such as 0.9, or leave nesterov out",
                id="DLTK-CONFIG-CONFLICT",
            )
        if self.dampening and (self.nesterov or self.momentum == 0):
            raise OptionError(
                "dampening", "needs momentum, and no nesterov; leave dampening out", id="DLTK-CONFIG-CONFLICT"
            )
        return self

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's SGD."""
        return torch.optim.SGD(
            groups,
            self.lr,
            momentum=self.momentum,
            dampening=self.dampening,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            fused=True,
        )


class Adagrad(OptimizerSettings):
    """Adagrad (Duchi et al. 2011)."""

    moments: ClassVar[tuple[str, ...]] = ("sum",)
    name: Literal["adagrad"] = "adagrad"
    lr: Rate = 0.01
    """Learning rate."""
    lr_decay: NonNegativeFloat = 0.0
    """d in lr / (1 + d * n), n counting updates."""
    initial_accumulator_value: NonNegativeFloat = 0.0
    """What the sums of squares begin with."""
    eps: PositiveFloat = 1e-10
    """Added to the root of the sum of squares."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's Adagrad."""
        return torch.optim.Adagrad(
            groups,
            self.lr,
            lr_decay=self.lr_decay,
            weight_decay=self.weight_decay,
            initial_accumulator_value=self.initial_accumulator_value,
            eps=self.eps,
            foreach=True,
        )


class Adadelta(OptimizerSettings):
    """Adadelta (Zeiler 2012)."""

    moments: ClassVar[tuple[str, ...]] = ("square_avg", "acc_delta")
    name: Literal["adadelta"] = "adadelta"
    lr: Rate = 1.0
    """Factor of the move; the paper has none."""
    rho: Fraction = 0.9
    """Decay of the running means of squares."""
    eps: PositiveFloat = 1e-6
    """Added to the running means under the root."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's Adadelta."""
        return torch.optim.Adadelta(
            groups, self.lr, rho=self.rho, eps=self.eps, weight_decay=self.weight_decay, foreach=True
        )


class RMSprop(OptimizerSettings):
    """RMSprop (Tieleman & Hinton 2012)."""

    moments: ClassVar[tuple[str, ...]] = ("square_avg",)
    moments_of: ClassVar[Mapping[str, str]] = {"momentum": "momentum_buffer", "centered": "grad_avg"}
    name: Literal["rmsprop"] = "rmsprop"
    lr: Rate = 0.01
    """Learning rate."""
    alpha: Fraction = 0.99
    """Decay of the running mean of squares."""
    momentum: Fraction = 0.0
    """Part of the previous move that is kept."""
    centered: bool = False
    """Divide by the standard deviation of the gradient instead of its root mean square (Graves 2013)."""
    eps: PositiveFloat = 1e-8
    """Added to the root."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's RMSprop."""
        return torch.optim.RMSprop(
            groups,
            self.lr,
            alpha=self.alpha,
            eps=self.eps,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            centered=self.centered,
            foreach=True,
        )


OPTIMIZERS: dict[str, type[OptimizerSettings]] = {
    "gd": GD,
    "sgd": SGD,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": NAdam,
    "radam": RAdam,
}
