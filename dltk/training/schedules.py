"""Learning-rate schedules: a factor of the base rate, a pure function of the step."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Protocol

from dltk.config.settings import NonNegativeFloat, PositiveFloat, Settings


class Schedule(Protocol):
    """Says what the base rate is multiplied by at each step."""

    needs_total: ClassVar[bool]

    def factor(self, step: int, total_steps: int) -> float:
        """Return the factor at a step, from 0; `total_steps` is 0 where unknown and not needed."""


class Constant(Settings):
    """The same rate throughout."""

    needs_total: ClassVar[bool] = False
    name: Literal["constant"] = "constant"

    def factor(self, step: int, total_steps: int) -> float:  # noqa: ARG002
        """Return 1."""
        return 1.0


class Cosine(Settings):
    """Half a cosine from the base rate down to `final` times it (Loshchilov & Hutter 2017, eq. 5, one cycle)."""

    needs_total: ClassVar[bool] = True
    name: Literal["cosine"] = "cosine"
    final: NonNegativeFloat = 0.0
    """The factor at the end."""

    def factor(self, step: int, total_steps: int) -> float:
        """Return the factor at a step."""
        done = min(step / max(total_steps, 1), 1.0)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))


class InverseTime(Settings):
    """Divides the rate by 1 + decay * step."""

    needs_total: ClassVar[bool] = False
    name: Literal["inverse_time"] = "inverse_time"
    decay: PositiveFloat
    """p in lr / (1 + p * n), n counting steps."""

    def factor(self, step: int, total_steps: int) -> float:  # noqa: ARG002
        """Return the factor at a step."""
        return 1.0 / (1.0 + self.decay * step)


SCHEDULES: dict[str, type[Settings]] = {"constant": Constant, "cosine": Cosine, "inverse_time": InverseTime}
