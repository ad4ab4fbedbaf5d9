"""k nearest neighbours: what the most similar training samples are, a new one is, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from dltk.config.errors import OptionError, UsageError
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import Batch
from dltk.data.samples import Preparation
from dltk.data.sizes import only_input, only_target
from dltk.data.specs import Classes, Image, Modality, Numbers, Spec, Table, Target, Vector

ROWS_AT_ONCE = 1024
MIN_SHARE = 1e-6


class Config(Settings):
    """Remembers the training samples and compares (Cover & Hart 1967).

    Features count by their size: scale them. There is no optimizer, there are no epochs and no parameters.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector)
    gives: ClassVar[tuple[type[Target], ...]] = (Classes, Numbers)
    role: ClassVar[str] = "estimator"
    holds_samples: ClassVar[bool] = True

    neighbors: PositiveInt = 5
    """How many training samples have a say; all, where there are fewer."""
    weighting: Literal["uniform", "distance"] = "uniform"
    """Each has the same say, or one over its distance; samples at no distance then decide alone."""


class NearestNeighbors(nn.Module):
    """Votes for classes, means of numbers, among the nearest training samples by Euclidean distance.

    Args:
        config: How many, and with which say.
        target: Classes to vote for, or numbers whose means and scales say what outputs stand for.
    """

    inputs: Tensor | None
    answers: Tensor | None

    def __init__(self, config: Config, target: Classes | Numbers) -> None:
        super().__init__()
        self._config, self._target = config, target
        self.register_buffer("inputs", None, persistent=False)
        self.register_buffer("answers", None, persistent=False)

    def fit(self, samples: Iterable[Batch]) -> None:
        """Remember all training samples.

        Args:
            samples: Blocks of (N, ...) features; (N,) classes, (N, K) 0/1 labels, or (N, K) numbers in original units.
        """
        whole: Any = Batch.joined(list(samples))
        self.inputs, self.answers = whole.inputs.flatten(1).contiguous(), self._answers_of(whole.targets).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, ...) into (B, num_outputs): log-odds, log shares of the classes, or scaled numbers.

        Raises:
            UsageError: Nothing is fitted yet.
        """
        if self.inputs is None or self.answers is None:
            raise UsageError("knn is not fitted", do="train it for one epoch")
        inputs, answers = self.inputs.to(x.device), self.answers.to(x.device)
        means = torch.cat([self._means(rows, inputs, answers) for rows in torch.split(x.flatten(1), ROWS_AT_ONCE)])
        if isinstance(self._target, Numbers):
            return means
        is_several = len(self._target.names) > 2 and not self._target.multi_label
        return means.clamp_min(MIN_SHARE).log() if is_several else torch.logit(means, MIN_SHARE)

    def state(self) -> Mapping[str, Any]:
        """Return inputs (N, D) and answers (N, num_outputs); empty before `fit`."""
        return {} if self.inputs is None else {"inputs": self.inputs, "answers": self.answers}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.inputs, self.answers = state.get("inputs"), state.get("answers")

    def _answers_of(self, targets: Tensor) -> Tensor:
        """Return what each sample says, (N, num_outputs): shares of classes, or scaled numbers."""
        if isinstance(self._target, Numbers):
            return self._target.scaled(targets).float()
        if self._target.multi_label:
            return targets.float()
        if len(self._target.names) == 2:
            return targets.float()[:, None]
        return functional.one_hot(targets, len(self._target.names)).float()

    def _means(self, rows: Tensor, inputs: Tensor, answers: Tensor) -> Tensor:
        """Return the weighted mean answer of the neighbours of (B, D) rows."""
        distances = torch.cdist(rows, inputs, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = distances.topk(min(self._config.neighbors, len(inputs)), largest=False)
        return (self._say(nearest.values)[..., None] * answers[nearest.indices]).sum(1)

    def _say(self, distances: Tensor) -> Tensor:
        """Return weights (B, k) that add up to one."""
        if self._config.weighting == "uniform":
            return torch.full_like(distances, 1 / distances.shape[1])
        is_same = distances == 0
        say = torch.where(is_same.any(1, keepdim=True), is_same.to(distances.dtype), 1 / distances)
        return say / say.sum(1, keepdim=True)


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the unfitted model; raise OptionError where the target is neither classes nor numbers."""
    only_input(spec)
    target = only_target(spec)
    if not isinstance(target, (Classes, Numbers)):
        raise OptionError(
            "", f"knn predicts classes or numbers; the data's target is {target.word}", id="DLTK-CONFIG-MISFIT"
        )
    return NearestNeighbors(config, target)
