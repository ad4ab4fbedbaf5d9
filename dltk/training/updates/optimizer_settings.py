"""What every optimizer shares: its options beside its own, and that it builds torch's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import Field, model_validator

from dltk.config.errors import OptionError
from dltk.config.settings import NonNegativeFloat, PositiveFloat, Settings
from dltk.training.updates.parameter_groups import ParameterGroup

Groups = Sequence[dict[str, Any]]
"""torch's parameter groups: parameters with their rate, and what else is their own."""
Rate = Annotated[PositiveFloat, Field(json_schema_extra={"x-synonyms": ["learning_rate", "rate", "eta"]})]


class OptimizerSettings(Settings, ABC):
    """Options that every optimizer shares, and how torch's is made."""

    takes_whole_epochs: ClassVar[bool] = False
    """Whether an update follows the gradient of all training samples."""
    moments: ClassVar[tuple[str, ...]] = ()
    """What torch calls the tensors of its size that are always kept for each parameter until the next update."""
    moments_of: ClassVar[Mapping[str, str]] = {}
    """Options that keep one more, where they are not 0 or false, and what torch calls it."""
    counters: ClassVar[tuple[str, ...]] = ("step",)
    """What torch calls the scalars that are kept for each parameter."""

    name: str
    lr: Rate
    """Learning rate."""
    clip_norm: PositiveFloat | None = None
    """Shorten a gradient whose norm over all parameters is larger; its mean before that is `train/grad_norm`."""
    clip_value: PositiveFloat | None = None
    """Limit every entry of a gradient to -clip_value..clip_value; the mean norm before that is `train/grad_norm`."""
    l1: NonNegativeFloat = 0.0
    """Penalty l1 * sum of |w|: its gradient is added, the reported loss is without it. w are weights: parameters with
    at least two dimensions, so no biases and no scales of normalisation."""
    l2: NonNegativeFloat = 0.0
    """Penalty l2 * sum of w**2, likewise."""
    groups: tuple[ParameterGroup, ...] = ()
    """Parameters with another learning rate or weight decay; the first group that matches has a parameter."""

    @model_validator(mode="after")
    def _refuse_two_clips(self) -> Self:
        if self.clip_norm is not None and self.clip_value is not None:
            raise OptionError("clip_value", "give clip_norm or clip_value, not both", id="DLTK-CONFIG-CONFLICT")
        return self

    @property
    def kept_moments(self) -> tuple[str, ...]:
        """What torch calls the tensors of its size that are kept for each parameter from one update to the next."""
        return (*self.moments, *(name for option, name in self.moments_of.items() if getattr(self, option)))

    @abstractmethod
    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Return torch's optimizer of these parameters."""
