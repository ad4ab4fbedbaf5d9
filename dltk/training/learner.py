"""Learners: what moves parameters. The gradient learner, the one-pass learner, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from dltk.config.sections import Precision
from dltk.data.batches import Batch
from dltk.data.blocks import Blocks
from dltk.nn.roles import Estimator
from dltk.training.compiled.obstacles import CannotCompile, obstacle, obstacle_in
from dltk.training.compiled.rules import rule_of
from dltk.training.compiled.steps import MOST_STEPS, CompiledSteps, Portion, Stops
from dltk.training.optimization import Optimization, OptimizationSettings
from dltk.training.probing import undisturbed
from dltk.training.replay.passes import Replays, is_known
from dltk.training.running_scores import RunningScores
from dltk.training.session import Session
from dltk.training.updates.averaging import WeightAverage
from dltk.training.updates.precision import autocast

Loss = Callable[[nn.Module, Batch], Tensor | Mapping[str, Tensor]]
"""(model, batch) -> a scalar mean over the batch, or named parts of which "loss" is what is minimised."""


class Learner(Protocol):
    """Moves a model's parameters; the loop may stop, save, and go on wherever `epoch` yields."""

    def epoch(self, batches: Iterable[Batch]) -> Iterator[int]:
        """Learn; yield the batches consumed since the last yield, whenever parameters and counters agree.

        A one-pass learner may iterate over them more than once.
        """

    def scores(self) -> dict[str, float]:
        """Return the training scores since the last evaluation; learning rates are `lr` or `lr/<name>`."""

    def observe(self, scores: Mapping[str, float | None]) -> None:
        """Take all scores of an evaluation, such as val/loss, after which training scores begin anew.

        Schedules may react. Called once for each evaluation that was not interrupted.
        """

    def probe(self, batch: Batch) -> dict[str, Tensor]:
        """Return gradients by parameter name from one extra forward and backward on a batch of training samples.

        They are those of the loss that the next step would see of this batch, in fp32, before penalties and clipping.
        No state of training changes: no `.grad`, buffer, counter or noise of a later step. Not to be called under
        `torch.inference_mode`. A one-pass learner returns none.
        """

    def training_model(self) -> nn.Module:
        """Return the model whose forward passes are trained."""

    def inference_model(self) -> nn.Module:
        """Return the model to evaluate, save and use; another one where weights are averaged."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the inference model's weights: moments, counters, sums; all tensors must be finite."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""


def learner_for(model: nn.Module, loss: Loss, settings: OptimizationSettings, session: Session) -> Learner:
    """Return the one-pass learner for an estimator, else the gradient learner.

    Raises:
        OptionError: An option does not fit the model or the run; its path begins with the section.
    """
    if isinstance(model, Estimator):
        return OnePassLearner(model, session)
    return GradientLearner(model, loss, settings, session)


class GradientLearner:
    """One forward and one backward per batch, one update per `accumulate` batches or per epoch.

    An update follows the mean gradient over all samples since the last one; an epoch's last may have fewer batches.
    """

    def __init__(self, model: nn.Module, loss: Loss, settings: OptimizationSettings, session: Session) -> None:
        self._model, self._loss, self._session, self._precision = model, loss, session, settings.precision
        self._batches_per_update = settings.batches_per_update
        length = session.length(self._batches_per_update)
        self._optimization = Optimization(model.named_parameters(), settings, length, world=session.world)
        self._average = None if settings.ema is None else WeightAverage(model, settings.ema)
        self._scores = RunningScores()
        self._steps = 0
        self._settings = settings
        self._replays = self._replayed(settings)
        self._compiled: CompiledSteps | None = None
        self._stops = Stops()

    def compile(self, batches: Sequence[Batch], most: int, periods: Collection[int], processor: str) -> None:
        """Let batches of these shapes be learned from now on by compiled steps, many in a call; raise CannotCompile."""
        rule = rule_of(self._settings.optimizer())
        reason = obstacle(self._settings, self._session.world.size) or obstacle_in(self._model)
        if reason or rule is None:
            raise CannotCompile(reason)
        optimizer, here = self._optimization.torch_optimizer, [batch.to(self._session.device) for batch in batches]
        self._compiled = CompiledSteps(self._model, self._loss, optimizer, rule, here, most=most, processor=processor)
        self._stops = Stops(self._session.total_steps, periods)

    def epoch(self, batches: Iterable[Batch]) -> Iterator[int]:
        """Learn; yield after each update, or after many that were made in one call."""
        batches = iter(batches)
        if self._compiled is None:
            yield from self._each(batches)
            return
        is_watched = any(module._forward_hooks for module in self._model.modules())
        while portions := self._compiled.taken(batches, 1 if is_watched else self._room()):
            if portions[0].shape is None:
                yield from self._each(iter([portions[0].batch]))
                continue
            if is_watched:
                self._show(portions[0].batch)
            yield self._many(self._compiled, portions)

    def _each(self, batches: Iterator[Batch]) -> Iterator[int]:
        """Learn batch by batch; yield after each update."""
        consumed = 0
        if self._replays is not None:
            self._replays.begin_epoch()
        for batch in batches:
            if not self._model.training:
                self._model.train()
            parts = self._learned(batch)
            self._scores.add(*self._session.world.means(parts, batch.num_samples))
            self._steps += 1
            consumed += 1
            if consumed == self._batches_per_update:
                self._update()
                yield consumed
                consumed = 0
        if consumed:
            self._update()
            yield consumed

    def _many(self, compiled: CompiledSteps, portions: Sequence[Portion]) -> int:
        """Make an update for each batch, all in one call; return how many."""
        count = sum(portion.count for portion in portions)
        num_samples = sum(portion.batch.num_samples for portion in portions)
        sums = self._scores.totals(compiled.scores, num_samples, self._session.device)
        compiled(portions, self._optimization.rates(count), sums)
        self._optimization.moved(count)
        self._steps += count
        return count

    def _room(self) -> int:
        """Return how many steps may be made before something is due."""
        stop = self._stops.next(self._steps)
        return MOST_STEPS if stop is None else stop - self._steps

    def _show(self, batch: Batch) -> None:
        """Let who watches the layers see a pass that is about to be made."""
        with undisturbed(self._model), torch.no_grad():
            self._loss(self._model, batch)

    def scores(self) -> dict[str, float]:
        """Return the mean loss and its parts, and what the optimization tells."""
        return {**self._scores.values(), **self._optimization.scores()}

    def observe(self, scores: Mapping[str, float | None]) -> None:
        """Let the schedule react, and means begin anew."""
        self._scores.begin_anew()
        self._optimization.observe(scores)

    def probe(self, batch: Batch) -> dict[str, Tensor]:
        """Return the gradients of the loss, before penalties and clipping."""
        with undisturbed(self._model):
            return self._optimization.gradients(self._parts(batch, "fp32")["loss"])

    def training_model(self) -> nn.Module:
        """Return the model whose parameters move."""
        return self._model

    def inference_model(self) -> nn.Module:
        """Return the model itself, or the one with averaged weights."""
        return self._model if self._average is None else self._average.model

    def state_dict(self) -> dict[str, Any]:
        """Return moments, counters, sums, and the weights themselves where the inference model's are averaged."""
        return {
            "steps": self._steps,
            "optimization": self._optimization.state_dict(),
            "average": {} if self._average is None else self._average.state_dict(),
            "scores": self._scores.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._steps = int(state["steps"])
        self._optimization.load_state_dict(state["optimization"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._scores.load_state_dict(state["scores"], self._session.device)

    def _parts(self, batch: Batch, precision: Precision) -> Mapping[str, Tensor]:
        """Return the loss of a batch and its parts, under the seed of the step."""
        self._session.seed_step(self._steps)
        with autocast(precision, self._session.device):
            parts = self._loss(self._model, batch.to(self._session.device))
        return {"loss": parts} if isinstance(parts, Tensor) else parts

    def _learned(self, batch: Batch) -> Mapping[str, Tensor]:
        """Add a batch's gradient to that of the next update; return the parts of its loss."""
        replay = None if self._replays is None else self._replays.over(batch)
        if replay is not None:
            self._optimization.take(replay.gradients, batch.num_samples)
            return replay.parts
        parts = self._parts(batch, self._precision)
        self._optimization.add(parts["loss"], batch.num_samples)
        if self._replays is not None:
            self._replays.judge(parts)
        return parts

    def _replayed(self, settings: OptimizationSettings) -> Replays | None:
        """Return what replays passes; None where they may not be, or do more than layers that are known."""
        if not (settings.replay and settings.batches_per_update == 1 and settings.precision != "fp16"):
            return None
        if self._session.device.type != "cpu" or not all(map(is_known, [self._loss, *self._model.modules()])):
            return None
        parameters, session = self._optimization.parameters, self._session
        make, seed = partial(self._parts, precision=self._precision), lambda: session.seed_step(self._steps)
        return Replays(self._model, parameters, make, seed)

    def _update(self) -> None:
        self._optimization.update()
        self._session.world.follow_first(self._model.buffers())
        if self._average is not None:
            self._average.update()


class OnePassLearner:
    """Fits an estimator on all batches of an epoch, which it may meet more than once."""

    def __init__(self, model: nn.Module, session: Session) -> None:
        assert isinstance(model, Estimator)
        self._model: Any = model
        self._session = session

    def epoch(self, batches: Iterable[Batch]) -> Iterator[int]:
        """Fit; an epoch that is already consumed fits nothing."""
        if next(iter(batches), None) is not None:
            self._session.seed_step(0)
            blocks = Blocks(batches)
            self._model.fit(blocks)
            yield blocks.num_batches

    def scores(self) -> dict[str, float]:
        """Return nothing: there is no running loss."""
        return {}

    def observe(self, scores: Mapping[str, float | None]) -> None:
        """React to nothing."""

    def probe(self, batch: Batch) -> dict[str, Tensor]:  # noqa: ARG002
        """Return nothing: there are no gradients."""
        return {}

    def training_model(self) -> nn.Module:
        """Return the estimator."""
        return self.inference_model()

    def inference_model(self) -> nn.Module:
        """Return the estimator."""
        model: nn.Module = self._model
        return model

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: all state is the estimator's."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take nothing back."""
