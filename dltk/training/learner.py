"""Learners: what moves parameters. The gradient learner, the one-pass learner, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from dltk.data.batches import Batch
from dltk.metrics.mean import Mean
from dltk.nn.roles import Estimator
from dltk.training.optimization import Optimization, OptimizationSettings
from dltk.training.session import Session

Loss = Callable[[nn.Module, Batch], Tensor | Mapping[str, Tensor]]
"""(model, batch) -> a scalar mean over the batch, or named parts of which "loss" is what is minimised."""


class Learner(Protocol):
    """Moves a model's parameters; the loop may stop, save, and go on wherever `epoch` yields."""

    def epoch(self, batches: Iterator[Batch]) -> Iterator[int]:
        """Learn; yield the batches consumed since the last yield, whenever parameters and counters agree."""

    def scores(self) -> dict[str, float]:
        """Return the training scores since the last call, and begin anew; learning rates are `lr` or `lr/<name>`."""

    def inference_model(self) -> nn.Module:
        """Return the model to evaluate, save and use."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the inference model's weights: moments, counters, sums; all tensors must be finite."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""


def learner_for(model: nn.Module, loss: Loss, settings: OptimizationSettings, session: Session) -> Learner:
    """Return the one-pass learner for an estimator, else the gradient learner."""
    if isinstance(model, Estimator):
        return OnePassLearner(model, session)
    return GradientLearner(model, loss, Optimization(model.parameters(), settings, session.total_steps), session)


class RunningScores:
    """Means of named values since they were last read."""

    def __init__(self) -> None:
        self._means: dict[str, Mean] = {}

    def add(self, values: Mapping[str, Tensor], num_samples: int) -> None:
        """Add scalar tensors, each a mean over `num_samples` samples; no device synchronisation."""
        for name, value in values.items():
            if name not in self._means:
                self._means[name] = Mean(value.device)
            self._means[name].add(value, num_samples)

    def take(self) -> dict[str, float]:
        """Return the means and begin anew. Synchronises with the device."""
        values = {name: mean.value for name, mean in self._means.items()}
        self._means = {}
        return values

    def state_dict(self) -> dict[str, Tensor]:
        """Return the sums."""
        return {name: mean.state() for name, mean in self._means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor], device: Any) -> None:
        """Take back what `state_dict` returned."""
        self._means = {name: Mean(device) for name in state}
        for name, mean in self._means.items():
            mean.restore(state[name])


class GradientLearner:
    """One forward, one backward, one update per batch."""

    def __init__(self, model: nn.Module, loss: Loss, optimization: Optimization, session: Session) -> None:
        self._model, self._loss, self._optimization, self._session = model, loss, optimization, session
        self._scores = RunningScores()
        self._steps = 0

    def epoch(self, batches: Iterator[Batch]) -> Iterator[int]:
        """Learn batch by batch."""
        for batch in batches:
            if not self._model.training:
                self._model.train()
            self._session.seed_step(self._steps)
            parts = self._loss(self._model, batch.to(self._session.device))
            parts = {"loss": parts} if isinstance(parts, Tensor) else parts
            self._optimization.step(parts["loss"])
            self._scores.add(parts, batch.num_samples)
            self._steps += 1
            yield 1

    def scores(self) -> dict[str, float]:
        """Return the mean loss and its parts since the last call, and the learning rate."""
        return {**self._scores.take(), "lr": self._optimization.lr}

    def inference_model(self) -> nn.Module:
        """Return the model itself."""
        return self._model

    def state_dict(self) -> dict[str, Any]:
        """Return moments, counters and sums."""
        return {
            "steps": self._steps,
            "optimization": self._optimization.state_dict(),
            "scores": self._scores.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._steps = int(state["steps"])
        self._optimization.load_state_dict(state["optimization"])
        self._scores.load_state_dict(state["scores"], self._session.device)


class OnePassLearner:
    """Fits an estimator on all batches of an epoch at once."""

    def __init__(self, model: nn.Module, session: Session) -> None:
        assert isinstance(model, Estimator)
        self._model: Any = model
        self._session = session

    def epoch(self, batches: Iterator[Batch]) -> Iterator[int]:
        """Fit; an epoch that is already consumed fits nothing."""
        parts = list(batches)
        if parts:
            whole = Batch.joined(parts)
            self._session.seed_step(0)
            self._model.fit(whole.inputs, whole.targets)
            yield len(parts)

    def scores(self) -> dict[str, float]:
        """Return nothing: there is no running loss."""
        return {}

    def inference_model(self) -> nn.Module:
        """Return the estimator."""
        model: nn.Module = self._model
        return model

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: all state is the estimator's."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take nothing back."""
