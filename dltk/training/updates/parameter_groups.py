"""Parameters that move at a rate of their own: chosen by globs over their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from torch import nn

from dltk.config.errors import OptionError, choices_near, did_you_mean
from dltk.config.settings import NonNegativeFloat, PositiveFloat, Settings

Glob = Annotated[str, Field(min_length=1)]


class ParameterGroup(Settings):
    """Parameters with options of their own."""

    match: Glob | Annotated[tuple[Glob, ...], Field(min_length=1)]
    """Which: a pattern such as `head.*` over parameter names, or a list; `dltk show RUN` lists the names."""
    lr: PositiveFloat | None = None
    """Their base learning rate; the schedule multiplies it."""
    lr_factor: PositiveFloat | None = None
    """Their base learning rate as a multiple of the optimizer's, instead of `lr`."""
    weight_decay: NonNegativeFloat | None = None
    """Their weight decay."""

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.lr is not None and self.lr_factor is not None:
            raise OptionError("lr_factor", "give lr or lr_factor, not both", id="DLTK-CONFIG-CONFLICT")
        if self.lr is None and self.lr_factor is None and self.weight_decay is None:
            raise OptionError(
                "match", "the group changes nothing; give it lr, lr_factor or weight_decay", id="DLTK-CONFIG-CONFLICT"
            )
        return self

    @property
    def patterns(self) -> Sequence[str]:
        """The globs as a list."""
        return [self.match] if isinstance(self.match, str) else self.match


def grouped(
    parameters: Mapping[str, nn.Parameter], lr: float, groups: Sequence[ParameterGroup]
) -> list[dict[str, Any]]:
    """Return torch's parameter groups, without empty ones; of several groups that match the first has a parameter.

    Args:
        parameters: By name; all need a gradient.
        lr: The base rate of parameters that no group matches.
        groups: In the order they were written.

    Raises:
        OptionError: A pattern matches nothing, or nothing that an earlier one leaves.
    """
    left = dict(parameters)
    found = []
    for i, group in enumerate(groups):
        members: dict[str, nn.Parameter] = {}
        for j, pattern in enumerate(group.patterns):
            option = f"groups.{i}.match" + ("" if isinstance(group.match, str) else f".{j}")
            matched = {name: parameter for name, parameter in left.items() if fnmatchcase(name, pattern)}
            if not matched:
                raise _matches_nothing(option, pattern, parameters)
            members |= matched
            left = {name: parameter for name, parameter in left.items() if name not in matched}
        found.append(_options(members, group.lr or lr * (group.lr_factor or 1.0), group.weight_decay))
    return [group for group in [_options(left, lr, None), *found] if group["params"]]


def _options(members: Mapping[str, nn.Parameter], lr: float, weight_decay: float | None) -> dict[str, Any]:
    options: dict[str, Any] = {"params": list(members.values()), "lr": lr}
    return options if weight_decay is None else {**options, "weight_decay": weight_decay}


def _matches_nothing(option: str, pattern: str, parameters: Mapping[str, nn.Parameter]) -> OptionError:
    if any(fnmatchcase(name, pattern) for name in parameters):
        said = f"an earlier group has every parameter that matches '{pattern}'; put this one before it"
        return OptionError(option, said)
    said = f"no parameter that learns matches '{pattern}'{did_you_mean(pattern, parameters)}"
    return OptionError(option, said, allowed=choices_near(pattern, parameters))
