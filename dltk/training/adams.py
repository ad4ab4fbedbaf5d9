"""Adam and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch

from dltk.config.settings import Fraction, NonNegativeFloat, PositiveFloat
from dltk.training.updates.optimizer_settings import Groups, OptimizerSettings, Rate

Betas = tuple[Fraction, Fraction]


class Adam(OptimizerSettings):
    """Adam (Kingma & Ba 2015)."""

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    moments_of: ClassVar[Mapping[str, str]] = {"amsgrad": "max_exp_avg_sq"}
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

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    moments_of: ClassVar[Mapping[str, str]] = {"amsgrad": "max_exp_avg_sq"}
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

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_inf")
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

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    counters: ClassVar[tuple[str, ...]] = ("step", "mu_product")
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

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
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
