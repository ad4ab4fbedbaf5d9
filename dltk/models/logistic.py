"""Logistic regression, fitted to the end in one pass: the classical model of texts and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn
from torch.nn import functional

from dltk.config.errors import DataError, OptionError, UsageError
from dltk.config.settings import PositiveFloat, PositiveInt, Settings
from dltk.data.batches import Batch
from dltk.data.samples import Preparation
from dltk.data.sizes import only_input, only_target
from dltk.data.specs import Bag, Classes, Image, Modality, Spec, Table, Target, Vector
from dltk.data.targets import target_of
from dltk.nn.bags import ids_of, weighted_sums
from dltk.nn.linear_classes import Block, Chosen, Cost, Kept, Tally, alone, among, fitted

NEVER = -1e4


class Config(Settings):
    """The weights that minimise squared weights / 2 + C * the summed cross-entropy, by L-BFGS as in scikit-learn.

    Several labels per sample are as many yes-or-no questions. There is no optimizer, there are no epochs and no
    parameters.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector, Bag)
    gives: ClassVar[tuple[type[Target], ...]] = (Classes,)
    role: ClassVar[str] = "estimator"

    C: PositiveFloat = 1.0
    """How much errors count against large weights; smaller holds weights smaller."""
    weighting: Literal["none", "log_count_ratio"] = "none"
    """log_count_ratio: multiply features by naive Bayes' weights before (Wang & Manning 2012), each class against the
    others; for texts with encode: multi_hot."""
    smoothing: PositiveFloat = 1.0
    """Added to every count of log_count_ratio."""
    max_iterations: PositiveInt = 1000
    """When to give up; an error then says so."""


class Logistic(nn.Module):
    """Logits that are linear in the features.

    Args:
        config: How the weights are found.
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
        """Fit to all training samples, on the CPU, in float64; they are met once for each step of the search, and more.

        Args:
            samples: Blocks of (N, ...) features or N bags, for log_count_ratio at least 0; (N,) classes, or (N, K) 0/1
                labels.

        Raises:
            DataError: A feature is negative and log_count_ratio needs counts, or the iterations were too few.
        """
        blocks = Kept(lambda: map(self._block, samples))
        tally = self._tally(blocks)
        if self._is_one_of_several and self._config.weighting == "none":
            weight, bias = self._fit_classes(blocks, tally)
        else:
            answers = [self._fit_yes_or_no(blocks, tally, each) for each in range(len(tally.sizes))]
            weight, bias = (np.concatenate(parts) for parts in zip(*answers, strict=True))
        self.weight, self.bias = torch.from_numpy(weight).float().contiguous(), torch.from_numpy(bias).float()

    def forward(self, x: Any) -> Tensor:
        """Turn (B, ...) features or B bags into (B, num_outputs) logits.

        Raises:
            UsageError: Nothing is fitted yet.
        """
        if self.weight is None or self.bias is None:
            raise UsageError("logistic is not fitted", do="train it for one epoch")
        if isinstance(x, Tensor):
            return functional.linear(x.flatten(1), self.weight.to(x.device), self.bias.to(x.device))
        return weighted_sums(x, self.weight.T.to(x.values.device)) + self.bias.to(x.values.device)

    def state(self) -> Mapping[str, Any]:
        """Return weight (num_outputs, D) and bias (num_outputs,); empty before `fit`."""
        return {} if self.weight is None else {"weight": self.weight, "bias": self.bias}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.weight, self.bias = state.get("weight"), state.get("bias")

    @property
    def _is_one_of_several(self) -> bool:
        return self._target.num_outputs > 1 and not self._target.multi_label

    def _block(self, batch: Batch) -> Block:
        """Return samples as the solver takes them: sparse where they are bags."""
        inputs: Any = batch.inputs
        truth = target_of(batch).cpu()
        truth = functional.one_hot(truth, len(self._target.names)) if self._is_one_of_several else truth
        answers = truth.double().reshape(batch.num_samples, self._target.num_outputs).numpy()
        if isinstance(inputs, Tensor):
            return Block(inputs.flatten(1).double().cpu().numpy(), answers)
        weights, ids, offsets = (
            part.cpu().numpy() for part in (inputs.values[:, 1].double(), ids_of(inputs), inputs.offsets)
        )
        shape = (batch.num_samples, self._num_features)
        return Block(scipy.sparse.csr_matrix((weights, ids.astype(np.int32), offsets), shape=shape), answers)

    def _tally(self, blocks: Iterable[Block]) -> Tally:
        """Count; raise DataError where log_count_ratio needs counts and a feature is negative."""
        num_samples, sizes, shares, total = 0, np.zeros(self._target.num_outputs), np.zeros(()), np.zeros(())
        for features, truth in blocks:
            num_samples, sizes = num_samples + len(truth), sizes + truth.sum(0)
            if self._config.weighting == "log_count_ratio":
                _refuse_negative(features)
                shares = shares + (features.T @ truth).T
                total = total + np.asarray(features.sum(axis=0)).ravel()
        return Tally(num_samples, sizes, shares, total)

    def _fit_classes(self, blocks: Iterable[Block], tally: Tally) -> tuple[Any, Any]:
        """Return weight (num_outputs, D) and bias; a class without samples is never answered."""
        weight = np.zeros((len(tally.sizes), self._num_features))
        bias = np.full(len(tally.sizes), NEVER)
        present = tally.sizes.nonzero()[0]
        if len(present) < 3:
            one, other = self._fit_yes_or_no(blocks, tally, present[-1])
            weight[present[-1]], bias[present[-1]] = one[0], other[0]
            bias[present[0]] = 0.0
            return weight, bias
        weight[present], bias[present] = self._solved(Chosen(blocks, present), among, np.ones(self._num_features))
        return weight, bias

    def _fit_yes_or_no(self, blocks: Iterable[Block], tally: Tally, output: int) -> tuple[Any, Any]:
        """Return weight (1, D) and bias (1,) of the log-odds of an output; constant where all answers are the same."""
        num_yes = tally.sizes[output]
        if num_yes in (0, tally.num_samples):
            return np.zeros((1, self._num_features)), np.log([(num_yes + 1) / (tally.num_samples - num_yes + 1)])
        is_weighted = self._config.weighting == "log_count_ratio"
        scale = tally.log_count_ratio(output, self._config.smoothing) if is_weighted else np.ones(self._num_features)
        return self._solved(Chosen(blocks, [output]), alone, scale)

    def _solved(self, blocks: Iterable[Block], cost: Cost, scale: Any) -> tuple[Any, Any]:
        config = self._config
        found = fitted(blocks, cost, scale, penalty=1 / config.C, max_iterations=config.max_iterations)
        if not found.is_found:
            raise DataError(
                "logistic regression has not found its weights",
                found=f"{config.max_iterations} iterations, model.C: {config.C:g}",
                do="set a smaller model.C, scale the inputs, or set a larger model.max_iterations",
            )
        return found.weight, found.bias


def _refuse_negative(features: Any) -> None:
    if features.min() < 0:
        raise DataError(
            "log_count_ratio needs counts", found=f"a value of {features.min():g}", expected="inputs of at least 0"
        )


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the unfitted model; raise OptionError where the target is not classes."""
    modality, target = only_input(spec), only_target(spec)
    if not isinstance(target, Classes):
        raise OptionError(
            "",
            f"logistic predicts classes; the data's target is {target.word}; ridge predicts numbers",
            id="DLTK-CONFIG-MISFIT",
        )
    return Logistic(config, math.prod(modality.shape), target)
