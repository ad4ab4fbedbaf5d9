"""Naive Bayes: counts per class, in one pass; the classical model of bags of words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from dltk.config.errors import DataError, OptionError, UsageError
from dltk.config.settings import FiniteFloat, PositiveFloat, Settings
from dltk.data.batches import Batch
from dltk.data.fields import Ragged
from dltk.data.samples import Preparation
from dltk.data.sizes import only_input, only_target
from dltk.data.specs import Bag, Classes, Image, Modality, Spec, Table, Target, Vector
from dltk.data.targets import target_of
from dltk.nn.bags import ids_of, rows_of, weighted_sums


class Config(Settings):
    """Features are taken as independent within a class (Manning et al. 2008, ch. 13).

    Several labels per sample are as many yes-or-no questions. There is no optimizer, there are no epochs and no
    parameters.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector, Bag)
    gives: ClassVar[tuple[type[Target], ...]] = (Classes,)
    role: ClassVar[str] = "estimator"

    distribution: Literal["multinomial", "bernoulli"] = "multinomial"
    """`multinomial` counts how much of each feature a class has, `bernoulli` how many samples have it at all."""
    smoothing: PositiveFloat = 1.0
    """Added to every count, so that nothing is impossible (Laplace)."""
    threshold: FiniteFloat = 0.0
    """A sample has a feature where its value is above; for `bernoulli`."""


class NaiveBayes(nn.Module):
    """Log probabilities per class that are linear in the features.

    Args:
        config: Which distribution.
        num_features: Values of a sample, or ids.
        target: Classes to tell apart.
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(self, config: Config, num_features: int, target: Classes) -> None:
        super().__init__()
        self._config, self._num_features, self._target = config, num_features, target
        self.register_buffer("weight", None, persistent=False)
        self.register_buffer("bias", None, persistent=False)

    def fit(self, samples: Iterable[Batch]) -> None:
        """Count on all training samples.

        Args:
            samples: Blocks of (N, ...) features, or N bags, for `multinomial` at least 0; (N,) classes, or (N, K) 0/1
                labels.

        Raises:
            DataError: A feature is negative. Synchronises with the device.
        """
        counts, sizes, num_samples = torch.zeros(()), torch.zeros(()), 0
        for block in samples:
            inputs: Any = block.inputs
            self._refuse_negative(inputs)
            groups = self._groups(target_of(block))
            counts, sizes = counts + self._counts(inputs, groups), sizes + groups.sum(0)
            num_samples += block.num_samples
        weight, bias = self._log_probabilities(counts, sizes, num_samples)
        if self._is_yes_or_no:
            (weight, other_weight), (bias, other_bias) = weight.chunk(2), bias.chunk(2)
            weight, bias = weight - other_weight, bias - other_bias
        self.weight, self.bias = weight.float(), bias.float()

    def forward(self, x: Tensor | Ragged) -> Tensor:
        """Turn (B, ...) or B bags into (B, num_outputs): log-odds of the second class or each label, else log joints.

        Raises:
            UsageError: Nothing is fitted yet.
        """
        if self.weight is None or self.bias is None:
            raise UsageError("naive_bayes is not fitted", do="train it for one epoch")
        if isinstance(x, Ragged):
            device = x.values.device
            return weighted_sums(self._bags(x), self.weight.T.to(device)) + self.bias.to(device)
        return functional.linear(self._features(x), self.weight.to(x.device), self.bias.to(x.device))

    def state(self) -> Mapping[str, Any]:
        """Return weight (num_outputs, D) and bias (num_outputs,); empty before `fit`."""
        return {} if self.weight is None else {"weight": self.weight, "bias": self.bias}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.weight, self.bias = state.get("weight"), state.get("bias")

    def _features(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return (x > self._config.threshold).float() if self._config.distribution == "bernoulli" else x

    def _bags(self, x: Ragged) -> Ragged:
        if self._config.distribution == "multinomial":
            return x
        ids, weights = x.values.unbind(1)
        return Ragged(torch.stack([ids, (weights > self._config.threshold).to(ids.dtype)], dim=1), x.offsets)

    @property
    def _is_yes_or_no(self) -> bool:
        """Whether each output is the log-odds of one answer against the other."""
        return len(self._target.names) == 2 or self._target.multi_label

    def _refuse_negative(self, inputs: Tensor | Ragged) -> None:
        numbers = inputs if isinstance(inputs, Tensor) else inputs.values[:, 1]
        if self._config.distribution == "multinomial" and bool((numbers < 0).any()):
            raise DataError(
                "multinomial naive Bayes needs counts",
                found=f"a value of {float(numbers.min()):g}",
                expected="inputs of at least 0",
                do="set model.distribution to bernoulli, which asks only whether a value is above model.threshold",
            )

    def _groups(self, targets: Tensor) -> Tensor:
        """Return (N, K) of 0 and 1: is the sample of this class? Or is it, and is it not, for each yes-or-no output?"""
        if not self._is_yes_or_no:
            return functional.one_hot(targets, len(self._target.names)).double()
        yes = targets.double().reshape(len(targets), -1)
        return torch.cat([yes, 1 - yes], dim=1)

    def _counts(self, inputs: Tensor | Ragged, belongs: Tensor) -> Tensor:
        """Return how much of each feature K groups of samples have, (K, D); belongs is (N, K) 0/1."""
        if isinstance(inputs, Ragged):
            bags = self._bags(inputs)
            shares = bags.values[:, 1, None].double() * belongs[rows_of(bags)]
            counts = shares.new_zeros(self._num_features, belongs.shape[1])
            return counts.index_add_(0, ids_of(bags), shares).T
        return belongs.T @ self._features(inputs).double()

    def _log_probabilities(self, counts: Tensor, sizes: Tensor, num_samples: int) -> tuple[Tensor, Tensor]:
        """Return weight (K, D) and bias (K,) of log p(class, features) of K groups, from counts and sizes."""
        alpha = self._config.smoothing
        # A class without samples keeps a small, finite probability.
        sizes = sizes.clamp(min=min(alpha, 1.0))
        prior = (sizes / num_samples).log()
        if self._config.distribution == "multinomial":
            return ((counts + alpha) / (counts.sum(1, keepdim=True) + alpha * counts.shape[1])).log(), prior
        present = (counts + alpha) / (sizes[:, None] + 2 * alpha)
        absent = (1 - present).log()
        return present.log() - absent, prior + absent.sum(1)


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the unfitted model; raise OptionError where the target is not classes."""
    modality, target = only_input(spec), only_target(spec)
    if not isinstance(target, Classes):
        raise OptionError(
            "",
            f"naive_bayes predicts classes; the data's target is {target.word}; ridge predicts numbers",
            id="DLTK-CONFIG-MISFIT",
        )
    if isinstance(modality, Bag) and config.threshold < 0:
        raise OptionError(
            "threshold", "is out of range for sparse bags", found=f"{config.threshold:g}", allowed="at least 0"
        )
    return NaiveBayes(config, math.prod(modality.shape), target)
