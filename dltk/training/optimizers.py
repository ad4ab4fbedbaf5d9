"""Optimizers by their usual names; each knows its options and builds torch's own."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import torch
from pydantic import model_validator

from dltk.config.errors import OptionError
from dltk.config.settings import Fraction, NonNegativeFloat, PositiveFloat
from dltk.training.updates.optimizer_settings import Groups, OptimizerSettings, Rate

Betas = tuple[Fraction, Fraction]


class GD(OptimizerSettings):
    """Full-batch gradient descent: one update per epoch, against the mean gradient over all training samples.

    `data.batch_size` only says how many samples are in memory at once.
    """

    takes_whole_epochs: ClassVar[bool] = True
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

    moments_of: ClassVar[tuple[str, ...]] = ("momentum",)
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

    moments: ClassVar[int] = 1
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

    moments: ClassVar[int] = 2
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

    moments: ClassVar[int] = 1
    moments_of: ClassVar[tuple[str, ...]] = (
        "momentum",
        "centered",
    )
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


class Adam(OptimizerSettings):
    """Adam (Kingma & Ba 2015)."""

    moments: ClassVar[int] = 2
    moments_of: ClassVar[tuple[str, ...]] = ("amsgrad",)
    name: Literal["adam"] = "adam"
    lr: Rate = 1e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of their squares."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""
    amsgrad: bool = False
    """Divide by the largest second moment so far (Reddi et al. 2018)."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's Adam."""
        return torch.optim.Adam(
            groups,
            self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            fused=True,
        )


class AdamW(OptimizerSettings):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    moments: ClassVar[int] = 2
    moments_of: ClassVar[tuple[str, ...]] = ("amsgrad",)
    name: Literal["adamw"] = "adamw"
    lr: Rate = 1e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of their squares."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.01
    """Part of each weight removed per unit of learning rate."""
    amsgrad: bool = False
    """Divide by the largest second moment so far (Reddi et al. 2018)."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's AdamW."""
        return torch.optim.AdamW(
            groups,
            self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            fused=True,
        )


class Adamax(OptimizerSettings):
    """Adam by the largest gradient so far (Kingma & Ba 2015, section 7)."""

    moments: ClassVar[int] = 2
    name: Literal["adamax"] = "adamax"
    lr: Rate = 2e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of the largest so far."""
    eps: PositiveFloat = 1e-8
    """Added to the largest gradient."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's Adamax."""
        return torch.optim.Adamax(
            groups, self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, foreach=True
        )


class NAdam(OptimizerSettings):
    """Adam with Nesterov's momentum (Dozat 2016)."""

    moments: ClassVar[int] = 2
    name: Literal["nadam"] = "nadam"
    lr: Rate = 2e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of their squares."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""
    momentum_decay: NonNegativeFloat = 4e-3
    """How fast the momentum rises to its full strength."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's NAdam."""
        return torch.optim.NAdam(
            groups,
            self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            momentum_decay=self.momentum_decay,
            foreach=True,
        )


class RAdam(OptimizerSettings):
    """Adam whose first moves are rectified (Liu et al. 2020)."""

    moments: ClassVar[int] = 2
    name: Literal["radam"] = "radam"
    lr: Rate = 1e-3
    """Learning rate."""
    betas: Betas = (0.9, 0.999)
    """Decay of the running mean of gradients and of their squares."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty added to the gradient."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's RAdam."""
        return torch.optim.RAdam(
            groups, self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, foreach=True
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
