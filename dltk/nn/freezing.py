"""Freezing: parameters that keep their values while the others learn."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from types import MethodType
from typing import Literal

from torch import nn

from dltk.config.errors import OptionError, did_you_mean, shown

HEAD = "head"
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


What = Literal["backbone"] | Sequence[str]
"""Globs over parameter names, or everything but the head."""


def frozen_names(model: nn.Module, what: What) -> set[str]:
    """Return the names of the parameters that are to keep their values.

    Raises:
        OptionError: A glob matches nothing, or there is no head.
    """
    names = [name for name, _ in model.named_parameters()]
    globs = enumerate(() if what == "backbone" else what)
    return {name for i, glob in globs for name in _matching(glob, names, i)} or _backbone(names)


def freeze(model: nn.Module, what: What) -> None:
    """Keep parameters from learning; batch normalisation that is frozen keeps its running statistics, too.

    Args:
        model: Changed in place.
        what: Which.

    Raises:
        OptionError: A glob matches nothing, or there is no head.
    """
    frozen = frozen_names(model, what)
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad = False
    for name, module in model.named_modules():
        own = {f"{name}.{parameter}" if name else parameter for parameter, _ in module.named_parameters(recurse=False)}
        if isinstance(module, _NORMS) and own and own <= frozen:
            module.eval()
            module.train = MethodType(_as_it_is, module)  # type: ignore[method-assign]


def _as_it_is(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001, FBT001 - torch's signature
    """Stay in eval mode, whatever the model around it is told."""
    return module


def _backbone(names: Sequence[str]) -> set[str]:
    head = {name for name in names if name.startswith(f"{HEAD}.")}
    if not head:
        raise OptionError("freeze", f"this model has no {HEAD}; name what is frozen, such as [{names[0]}]")
    return set(names) - head


def _matching(glob: str, names: Sequence[str], place: int) -> list[str]:
    found = [name for name in names if fnmatch.fnmatchcase(name, glob)]
    if not found:
        layers = [f"{name.rpartition('.')[0]}.*" for name in names if "." in name]
        raise OptionError(
            f"freeze.{place}",
            f"no parameter is called {shown(glob)}{did_you_mean(glob, [*names, *layers])}; "
            "dltk train CONFIG --dry-run lists all names",
        )
    return found
