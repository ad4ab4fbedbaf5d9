"""One parameter set's optimizer, schedule, gradient penalties and clipping, and loss scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.sections import Precision
from dltk.metrics.mean import Mean
from dltk.training.optimizers import Adam
from dltk.training.processes import ALONE, World
from dltk.training.schedules import Constant, Length, ScheduleSettings
from dltk.training.updates.gradients import clip, penalise
from dltk.training.updates.moving import moves_of
from dltk.training.updates.optimizer_settings import OptimizerSettings
from dltk.training.updates.parameter_groups import grouped
from dltk.training.updates.plateau import PlateauWatch, watch_for
from dltk.training.updates.precision import SMALLEST_SCALE, loss_scaler
from dltk.training.updates.rates import rate_multiplier, refuse_without_effect
from dltk.training.updates.uncompiled import call_without_compiler

if TYPE_CHECKING:
    from dltk.training.task import Direction


@dataclass(frozen=True)
class OptimizationSettings:
    """How parameters move. Optimizers and schedules go by parameter set; "" is the only one, or the default of all.

    Attributes:
        optimizers: By the names the task declares.
        schedules: Likewise.
        accumulate: Batches that make one update.
        precision: What the forward pass computes in.
        replay: Whether passes through tiny networks may be replayed, which changes no bit.
        ema: Decay of the average of the weights that is evaluated and saved; None keeps the weights themselves.
        directions: The val scores a schedule may react to, and whether small or large is good.
        num_evaluations: How often they will be known; None where only training tells.
    """

    optimizers: Mapping[str, OptimizerSettings] = field(default_factory=dict)
    schedules: Mapping[str, ScheduleSettings] = field(default_factory=dict)
    accumulate: int = 1
    precision: Precision = "auto"
    replay: bool = True
    ema: float | None = None
    directions: Mapping[str, Direction] = field(default_factory=dict)
    num_evaluations: int | None = None

    def optimizer(self, name: str = "") -> OptimizerSettings:
        """Return the optimizer's options of one parameter set."""
        return self.optimizers.get(name) or self.optimizers.get("") or Adam()

    def schedule(self, name: str = "") -> ScheduleSettings:
        """Return the schedule of one parameter set."""
        return self.schedules.get(name) or self.schedules.get("") or Constant()

    @property
    def batches_per_update(self) -> int | None:
        """Batches that the learner of a single parameter set sees before each update; None takes whole epochs."""
        return None if self.optimizer().takes_whole_epochs else self.accumulate


class Optimization:
    """Moves one parameter set against the gradient of a loss.

    Args:
        parameters: What moves, by the names `dltk show` lists; parameters that need no gradient are left out.
        settings: Where optimizer and schedule are looked up.
        length: Updates in the run and in an epoch, for schedules that need them.
        name: The parameter set's name where a task has several.
        world: The processes whose samples count in every update.

    Raises:
        OptionError: An option does not fit the model or the run; its path begins with the section.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, nn.Parameter]],
        settings: OptimizationSettings,
        length: Length,
        name: str = "",
        *,
        world: World = ALONE,
    ) -> None:
        self._world = world
        self._options, self._schedule, self._length = settings.optimizer(name), settings.schedule(name), length
        self._parameters = {key: parameter for key, parameter in parameters if parameter.requires_grad}
        groups = groups_of(self._parameters, settings, name)
        self._watch = watch_of(settings, length, name)
        call_without_compiler()
        self._optimizer = self._options.build(groups)
        self._moves = moves_of(self._optimizer)
        self._base_rates = [group["lr"] for group in groups]
        device = next((parameter.device for parameter in self._parameters.values()), torch.device("cpu"))
        self._scaler = loss_scaler(settings.precision, device.type)
        self._norm = Mean(device)
        self._updates = self._skipped = 0
        self._num_samples = self._unit = 0

    @property
    def lr(self) -> float:
        """The learning rate of the next update, for parameters that no group matches."""
        return self._options.lr * self._multiplier

    def add(self, loss: Tensor, num_samples: int) -> None:
        """Add the gradient of a mean over `num_samples` samples to that of the next update."""
        if self._num_samples == 0:
            for parameter in self._parameters.values():
                parameter.grad = None
            self._unit = num_samples
        weight = num_samples / self._unit
        self._scaler.scale(loss if weight == 1 else loss * weight).backward()  # type: ignore[no-untyped-call]
        self._num_samples += num_samples

    def take(self, gradients: Sequence[Tensor | None], num_samples: int) -> None:
        """Let these be the gradients, in the order of the parameters, that the next update follows; they may change.

        Args:
            gradients: Of a mean over `num_samples` samples.
            num_samples: How many.
        """
        for parameter, gradient in zip(self._parameters.values(), gradients, strict=True):
            parameter.grad = gradient
        self._num_samples = self._unit = num_samples

    def update(self) -> None:
        """Move once against the mean gradient over all samples since the last update, those of other processes too."""
        if self._world.size > 1:
            self._world.average_gradients(self._parameters.values(), self._num_samples, self._unit)
            self._num_samples = self._unit = 1
        moving = [parameter for parameter in self._parameters.values() if parameter.grad is not None]
        if self._scaler.is_enabled():
            self._scaler.unscale_(self._optimizer)
        weight, self._num_samples = self._num_samples / self._unit, 0
        if weight != 1:
            for parameter in moving:
                parameter.grad.div_(weight)  # type: ignore[union-attr]
        penalise(moving, self._options.l1, self._options.l2)
        self._measure(clip(moving, self._options.clip_norm, self._options.clip_value))
        multiplier = self._multiplier
        for group, rate in zip(self._optimizer.param_groups, self._base_rates, strict=True):
            group["lr"] = rate * multiplier
        if self._scaler.is_enabled():
            self._step_in_scale()
        else:
            self._moves.step()
        self._updates += 1

    @property
    def parameters(self) -> Sequence[nn.Parameter]:
        """What moves."""
        return list(self._parameters.values())

    @property
    def torch_optimizer(self) -> torch.optim.Optimizer:
        """What holds the moments; who makes updates in its place asks for their `rates`, and tells by `moved`."""
        return self._optimizer

    def rates(self, count: int) -> list[float]:
        """Return the learning rates of the next updates, for parameters that no group matches."""
        return [self._options.lr * self._multiplier_at(self._updates + i) for i in range(count)]

    def moved(self, count: int) -> None:
        """Count updates that were made elsewhere, by what the optimizer holds."""
        self._updates += count

    def step(self, loss: Tensor, num_samples: int = 1) -> None:
        """Move once against the gradient of a scalar loss."""
        self.add(loss, num_samples)
        self.update()

    def gradients(self, loss: Tensor) -> dict[str, Tensor]:
        """Return a loss's gradients by parameter name, before penalties and clipping; nothing moves or is kept.

        Parameters that the loss does not depend on are left out.
        """
        found: Sequence[Tensor | None] = torch.autograd.grad(loss, list(self._parameters.values()), allow_unused=True)
        return {name: gradient for name, gradient in zip(self._parameters, found, strict=True) if gradient is not None}

    def observe(self, scores: Mapping[str, float | None]) -> None:
        """Let the schedule react to the scores of an evaluation; what is counted between two of them begins anew."""
        self._norm, self._skipped = Mean(self._norm.state().device), 0
        if self._watch is not None:
            self._watch.observe(scores)

    def scores(self) -> dict[str, float]:
        """Return the learning rate, and what clipping and scaling saw since the last evaluation. May synchronise."""
        scores = {"lr": self.lr}
        if self._clips:
            norm = self._norm.value
            scores |= {} if math.isnan(norm) else {"grad_norm": norm}  # no gradient yet, or the weights show it
        if self._scaler.is_enabled():
            scale = self._scaler.get_scale()
            scores["loss_scale"] = scale if scale > SMALLEST_SCALE else math.nan  # nothing is small enough: diverged
            scores["skipped_updates"] = float(self._skipped)
        return scores

    def state_dict(self) -> dict[str, Any]:
        """Return moments and counters."""
        return {
            "steps": self._updates,
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "skipped": self._skipped,
            "norm": self._norm.state(),
            "schedule": {} if self._watch is None else self._watch.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._updates, self._num_samples = int(state["steps"]), 0
        self._optimizer.load_state_dict(dict(state["optimizer"]))
        _lay_out_like_parameters(self._optimizer)
        self._moves.forget()
        self._scaler.load_state_dict(dict(state["scaler"]))
        self._skipped = int(state.get("skipped", 0))  # dltk 0.1.0 did not count them
        self._norm.restore(state["norm"])
        if self._watch is not None:
            self._watch.load_state_dict(state["schedule"])

    def _step_in_scale(self) -> None:
        """Move unless a gradient overflowed, which halves the scale. Synchronises with the device, as torch's step."""
        scale = self._scaler.get_scale()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._skipped += self._scaler.get_scale() < scale

    @property
    def _multiplier(self) -> float:
        return self._multiplier_at(self._updates)

    def _multiplier_at(self, update: int) -> float:
        reaction = 1.0 if self._watch is None else self._watch.multiplier
        return rate_multiplier(self._schedule, update, self._length) * reaction

    @property
    def _clips(self) -> bool:
        return self._options.clip_norm is not None or self._options.clip_value is not None

    def _measure(self, norm: Tensor | None) -> None:
        """Keep a gradient's norm; one that overflowed makes no update, and does not count."""
        if norm is None:
            return
        if not self._scaler.is_enabled():
            self._norm.add(norm, 1)
            return
        counts = norm.isfinite()
        self._norm.add(torch.where(counts, norm, 0.0), counts)


def groups_of(
    parameters: Mapping[str, nn.Parameter], settings: OptimizationSettings, name: str = ""
) -> list[dict[str, Any]]:
    """Return torch's parameter groups of one parameter set.

    Raises:
        OptionError: A group matches nothing; its path begins with the section.
    """
    options = settings.optimizer(name)
    try:
        return grouped(parameters, options.lr, options.groups)
    except OptionError as error:
        raise _below("optimizer", name if name in settings.optimizers else "", error) from None


def watch_of(settings: OptimizationSettings, length: Length, name: str = "") -> PlateauWatch | None:
    """Return what watches a score for a parameter set's schedule, or None where it reacts to none.

    Raises:
        OptionError: The schedule cannot come into effect within the run; its path begins with the section.
    """
    schedule = settings.schedule(name)
    try:
        refuse_without_effect(schedule, length)
        return watch_for(schedule, settings.directions, settings.num_evaluations)
    except OptionError as error:
        raise _below("schedule", name if name in settings.schedules else "", error) from None


def _below(section: str, name: str, error: OptionError) -> OptionError:
    """Return an error whose path begins with the section, and the parameter set where it has options of its own."""
    return error.below(section, name) if name else error.below(section)


def _lay_out_like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give moments the memory layout of their parameters: files hold contiguous ones, and kernels need the same."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
