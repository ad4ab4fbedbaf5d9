"""Logistic regression, fitted to the end in one pass: the classical model of texts and tables."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

from dltk.config.errors import DataError, OptionError, UsageError
from dltk.config.settings import PositiveFloat, PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import only_input, only_target
from dltk.data.specs import Bag, Classes, Image, Modality, Spec, Table, Target, Vector
from dltk.nn.bags import ids_of, weighted_sums

NEVER = -1e4


class Config(Settings):
    """The weights that minimise squared weights / 2 + C * the summed cross-entropy, by scikit-learn's L-BFGS.

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

    def fit(self, inputs: Any, targets: Tensor) -> None:
        """Fit to all training samples, on the CPU, in float64.

        Args:
            inputs: (N, ...) features or N bags; for log_count_ratio at least 0.
            targets: (N,) classes, or (N, K) 0/1 labels.

        Raises:
            DataError: A feature is negative and log_count_ratio needs counts, or the iterations were too few.
        """
        features, truth = self._features(inputs), targets.cpu().long().numpy()
        if truth.ndim == 1 and (self._target.num_outputs == 1 or self._config.weighting == "none"):
            weight, bias = self._fit_classes(features, truth)
        else:
            questions = truth.T if truth.ndim == 2 else np.stack([truth == k for k in range(len(self._target.names))])
            answers = [self._fit_yes_or_no(features, question.astype(np.int64)) for question in questions]
            weight, bias = (np.concatenate(parts) for parts in zip(*answers, strict=True))
        device = targets.device
        self.weight = torch.from_numpy(weight).float().contiguous().to(device)
        self.bias = torch.from_numpy(bias).float().to(device)

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

    def _features(self, inputs: Any) -> Any:
        """Return a scipy matrix (N, D), float64: sparse where the samples are bags."""
        if isinstance(inputs, Tensor):
            return inputs.flatten(1).double().cpu().numpy()
        weights, ids, offsets = (
            part.cpu().numpy() for part in (inputs.values[:, 1].double(), ids_of(inputs), inputs.offsets)
        )
        return scipy.sparse.csr_matrix(
            (weights, ids.astype(np.int32), offsets), shape=(len(inputs), self._num_features)
        )

    def _fit_classes(self, features: Any, truth: Any) -> tuple[Any, Any]:
        """Return weight (num_outputs, D) and bias; a class without samples is never answered."""
        if self._target.num_outputs == 1:
            return self._fit_yes_or_no(features, truth)
        weight = np.zeros((len(self._target.names), self._num_features))
        bias = np.full(len(self._target.names), NEVER)
        present = np.unique(truth)
        if len(present) < 3:
            one, other = self._fit_yes_or_no(features, (truth == present[-1]).astype(np.int64))
            weight[present[-1]], bias[present[-1]] = one[0], other[0]
            bias[present[0]] = 0.0
            return weight, bias
        weight[present], bias[present] = self._solved(features, truth)
        return weight, bias

    def _fit_yes_or_no(self, features: Any, truth: Any) -> tuple[Any, Any]:
        """Return weight (1, D) and bias (1,) of the log-odds of 1; constant where all answers are the same."""
        num_yes = int(truth.sum())
        if num_yes in (0, len(truth)):
            return np.zeros((1, self._num_features)), np.log([(num_yes + 1) / (len(truth) - num_yes + 1)])
        if self._config.weighting == "none":
            return self._solved(features, truth)
        ratio = self._log_count_ratio(features, truth)
        weighted = features.multiply(ratio).tocsr() if scipy.sparse.issparse(features) else features * ratio
        weight, bias = self._solved(weighted, truth)
        return weight * ratio, bias

    def _solved(self, features: Any, truth: Any) -> tuple[Any, Any]:
        config = self._config
        solver = LogisticRegression(C=config.C, max_iter=config.max_iterations)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                solver.fit(features, truth)
            except ConvergenceWarning:
                raise DataError(
                    "logistic regression has not found its weights",
                    found=f"{config.max_iterations} iterations, model.C: {config.C:g}",
                    do="set a smaller model.C, scale the inputs, or set a larger model.max_iterations",
                ) from None
        return solver.coef_, solver.intercept_

    def _log_count_ratio(self, features: Any, truth: Any) -> Any:
        """Return (D,): ln of how much larger a feature's share is in the samples of 1 than in those of 0."""
        if features.min() < 0:
            raise DataError(
                "log_count_ratio needs counts", found=f"a value of {features.min():g}", expected="inputs of at least 0"
            )
        alpha = self._config.smoothing
        counts = [np.asarray(features[truth == answer].sum(axis=0)).ravel() + alpha for answer in (0, 1)]
        return np.log(counts[1] / counts[1].sum()) - np.log(counts[0] / counts[0].sum())


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
