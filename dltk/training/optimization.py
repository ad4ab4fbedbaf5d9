"""One parameter set's optimizer and schedule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from dltk.training.optimizers import Adam, OptimizerSettings
from dltk.training.schedules import Constant, Schedule


@dataclass(frozen=True)
class OptimizationSettings:
    """Optimizer and schedule per parameter set; "" is the only one, or the default of all.

    Attributes:
        optimizers: By the names the task declares.
        schedules: Likewise.
    """

    optimizers: Mapping[str, OptimizerSettings] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def optimizer(self, name: str = "") -> OptimizerSettings:
        """Return the optimizer's options of one parameter set."""
        return self.optimizers.get(name) or self.optimizers.get("") or Adam()

    def schedule(self, name: str = "") -> Schedule:
        """Return the schedule of one parameter set."""
        return self.schedules.get(name) or self.schedules.get("") or Constant()


class Optimization:
    """Moves one parameter set against the gradient of a loss.

    Args:
        parameters: What moves; parameters that need no gradient are left out.
        settings: Where optimizer and schedule are looked up.
        total_steps: Updates in the whole run, for schedules that need it; None where unknown.
        name: The parameter set's name where a task has several.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        settings: OptimizationSettings,
        total_steps: int | None,
        name: str = "",
    ) -> None:
        self._options, self._schedule = settings.optimizer(name), settings.schedule(name)
        self._optimizer = self._options.build([p for p in parameters if p.requires_grad])
        self._total_steps = total_steps or 0
        self._steps = 0

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self._options.lr * self._schedule.factor(self._steps, self._total_steps)

    def step(self, loss: Tensor) -> None:
        """Move once against the gradient of a scalar loss."""
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        lr = self.lr
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return moments and counters."""
        return {"steps": self._steps, "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._steps = int(state["steps"])
        self._optimizer.load_state_dict(dict(state["optimizer"]))
