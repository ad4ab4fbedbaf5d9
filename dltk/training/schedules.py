"""Learning-rate schedules: what the base rate is multiplied by, a pure function of the number of updates made."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dltk.config.errors import OptionError
from dltk.config.settings import NonNegativeFloat, PositiveFloat, PositiveInt, Settings

Between0And1 = Annotated[float, Field(gt=0, lt=1)]
AtLeast1 = Annotated[float, Field(ge=1, allow_inf_nan=False)]


@dataclass(frozen=True)
class Length:
    """How many updates an optimizer makes; None where only reading the data tells.

    Attributes:
        run: In the whole run.
        epoch: In one epoch; its last may see fewer batches.
    """

    run: int | None = None
    epoch: int | None = None


class ScheduleSettings(Settings, ABC):
    """Options that every schedule shares, and what it tells."""

    needs_total: ClassVar[bool] = False
    """Whether the rate depends on how long the whole run is."""

    name: str

    @abstractmethod
    def multiplier(self, update: int, length: Length) -> float:
        """Return what the base rate is multiplied by at an update, counted from 0, without warm-up."""

    @abstractmethod
    def turns(self) -> Mapping[str, float]:
        """Return the epochs, by the option that says so, before which the rate stays as it was."""


class WarmedUp(ScheduleSettings, ABC):
    """Options of the schedules that a warm-up may come before."""

    warmup_steps: PositiveInt | None = None
    """Raise the rate linearly from near zero over so many updates."""
    warmup_epochs: PositiveFloat | None = None
    """The same over so many epochs."""

    @model_validator(mode="after")
    def _refuse_two_warmups(self) -> Self:
        if self.warmup_steps is not None and self.warmup_epochs is not None:
            raise OptionError("warmup_steps", "give warmup_steps or warmup_epochs, not both", id="DLTK-CONFIG-CONFLICT")
        return self


class Constant(WarmedUp):
    """The same rate throughout."""

    name: Literal["constant"] = "constant"

    def multiplier(self, update: int, length: Length) -> float:  # noqa: ARG002
        """Return 1."""
        return 1.0

    def turns(self) -> Mapping[str, float]:
        """Return none."""
        return {}


class Step(WarmedUp):
    """Multiplies the rate by `gamma` after every `step_size` epochs."""

    name: Literal["step"] = "step"
    step_size: PositiveInt
    """Epochs from one change to the next."""
    gamma: PositiveFloat = 0.1
    """What the rate is multiplied by at each change."""

    @model_validator(mode="after")
    def _refuse_no_change(self) -> Self:
        _refuse_identity(self.gamma, "gamma")
        return self

    def multiplier(self, update: int, length: Length) -> float:
        """Return the multiplier at an update."""
        return self.gamma ** (_epoch(update, length) // self.step_size)

    def turns(self) -> Mapping[str, float]:
        """Return the first change."""
        return {"step_size": self.step_size}


class MultiStep(WarmedUp):
    """Multiplies the rate by `gamma` after each of the named epochs."""

    name: Literal["multistep"] = "multistep"
    milestones: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """Epochs after which the rate changes, ascending."""
    gamma: PositiveFloat = 0.1
    """What the rate is multiplied by at each change."""

    @model_validator(mode="after")
    def _refuse_disorder(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise OptionError(
                "milestones", "must ascend", found=str(list(self.milestones)), allowed=str(sorted(set(self.milestones)))
            )
        return self

    @model_validator(mode="after")
    def _refuse_no_change(self) -> Self:
        _refuse_identity(self.gamma, "gamma")
        return self

    def multiplier(self, update: int, length: Length) -> float:
        """Return the multiplier at an update."""
        epoch = _epoch(update, length)
        return self.gamma ** sum(epoch >= milestone for milestone in self.milestones)

    def turns(self) -> Mapping[str, float]:
        """Return every milestone."""
        return {f"milestones.{i}": milestone for i, milestone in enumerate(self.milestones)}


class Exponential(WarmedUp):
    """Multiplies the rate by `gamma` after every epoch."""

    name: Literal["exponential"] = "exponential"
    gamma: PositiveFloat
    """What the rate is multiplied by after each epoch, such as 0.95."""

    @model_validator(mode="after")
    def _refuse_no_change(self) -> Self:
        _refuse_identity(self.gamma, "gamma")
        return self

    def multiplier(self, update: int, length: Length) -> float:
        """Return the multiplier at an update."""
        return self.gamma ** _epoch(update, length)

    def turns(self) -> Mapping[str, float]:
        """Return the first change."""
        return {"gamma": 1}


class InverseTime(WarmedUp):
    """Divides the rate by 1 + decay * n after n updates."""

    name: Literal["inverse_time"] = "inverse_time"
    decay: PositiveFloat
    """p in lr / (1 + p * n), n counting updates."""

    def multiplier(self, update: int, length: Length) -> float:  # noqa: ARG002
        """Return the multiplier at an update."""
        return 1.0 / (1.0 + self.decay * update)

    def turns(self) -> Mapping[str, float]:
        """Return none: the rate falls from the first update on."""
        return {}


class Polynomial(WarmedUp):
    """Falls from the base rate to `final` times it as a power of the part of the run that is left."""

    needs_total: ClassVar[bool] = True
    name: Literal["polynomial"] = "polynomial"
    power: PositiveFloat = 1.0
    """1 falls in a straight line."""
    final: NonNegativeFloat = 0.0
    """The multiplier at the end."""

    @model_validator(mode="after")
    def _refuse_no_change(self) -> Self:
        _refuse_identity(self.final, "final")
        return self

    def multiplier(self, update: int, length: Length) -> float:
        """Return the multiplier at an update."""
        left: float = (1 - _done(update, length)) ** self.power
        return self.final + (1 - self.final) * left

    def turns(self) -> Mapping[str, float]:
        """Return none: the rate falls from the first update on."""
        return {}


class Cosine(WarmedUp):
    """Half a cosine from the base rate down to `final` times it (Loshchilov & Hutter 2017, eq. 5, one cycle)."""

    needs_total: ClassVar[bool] = True
    name: Literal["cosine"] = "cosine"
    final: NonNegativeFloat = 0.0
    """The multiplier at the end."""

    @model_validator(mode="after")
    def _refuse_no_change(self) -> Self:
        _refuse_identity(self.final, "final")
        return self

    def multiplier(self, update: int, length: Length) -> float:
        """Return the multiplier at an update."""
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * _done(update, length)))

    def turns(self) -> Mapping[str, float]:
        """Return none: the rate falls from the first update on."""
        return {}


class OneCycle(ScheduleSettings):
    """Rises to `lr` and falls far below where it began, along cosines (Smith & Topin 2018); momentum stays.

    The optimizer's `lr` is the peak.
    """

    needs_total: ClassVar[bool] = True
    name: Literal["one_cycle"] = "one_cycle"
    pct_start: Between0And1 = 0.3
    """Part of the run that rises: its own warm-up."""
    div_factor: AtLeast1 = 25.0
    """The first rate is the peak divided by this."""
    final_div_factor: AtLeast1 = 1e4
    """The last rate is the first divided by this."""

    def multiplier(self, update: int, length: Length) -> float:
        """Return the multiplier at an update."""
        total = length.run or 0
        last, peak = total - 1, max(self.pct_start * total - 1, 0.0)
        start = 1 / self.div_factor
        if update < peak:
            return _between(start, 1.0, update / peak)
        fallen = min((update - peak) / (last - peak), 1.0) if last > peak else 1.0
        return _between(1.0, start / self.final_div_factor, fallen)

    def turns(self) -> Mapping[str, float]:
        """Return none: the rate changes from the first update on."""
        return {}


class Plateau(WarmedUp):
    """Multiplies the rate by `factor` when a val score stops improving."""

    name: Literal["plateau"] = "plateau"
    factor: Between0And1 = 0.1
    """What the rate is multiplied by each time."""
    patience: Annotated[int, Field(ge=0, le=10**6)] = 10
    """Evaluations without improvement that are borne; the next one lowers the rate."""
    threshold: NonNegativeFloat = 1e-4
    """The smallest change, as a part of the best score, that counts as improvement."""
    monitor: str = "val/loss"
    """The score to watch; whether small or large is good follows from it."""

    def multiplier(self, update: int, length: Length) -> float:  # noqa: ARG002
        """Return 1: what has been seen decides, not the time."""
        return 1.0

    def turns(self) -> Mapping[str, float]:
        """Return none."""
        return {}


def _refuse_identity(value: float, option: str) -> None:
    if value == 1:
        raise OptionError(
            option, "1 changes nothing; choose another, or leave the schedule out", id="DLTK-CONFIG-CONFLICT"
        )


def _epoch(update: int, length: Length) -> int:
    return update // (length.epoch or 1)


def _done(update: int, length: Length) -> float:
    return min(update / max(length.run or 0, 1), 1.0)


def _between(start: float, end: float, part: float) -> float:
    """Return the point of half a cosine from start to end."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * part))


SCHEDULES: dict[str, type[ScheduleSettings]] = {
    "constant": Constant,
    "step": Step,
    "multistep": MultiStep,
    "exponential": Exponential,
    "inverse_time": InverseTime,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}
