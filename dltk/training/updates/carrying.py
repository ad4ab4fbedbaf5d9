"""What of a learner's state still fits another learner: the rest begins anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from torch import Tensor

from dltk.training.updates.optimizer_settings import OptimizerSettings

What = Literal["moments", "schedule"]
_OPTIMIZER = {"state", "param_groups"}


def carried(old: Any, fresh: Any, anew: Collection[What]) -> Any:
    """Return a learner's fresh state with everything in it that an older one has of the same shape.

    Options of optimizers, which torch keeps beside their moments, are always the fresh ones.

    Args:
        old: What `state_dict` of the older learner returned.
        fresh: What that of the new one returns before its first step.
        anew: What must not be carried over though its shape may fit.
    """
    if isinstance(fresh, Mapping) and fresh.keys() == _OPTIMIZER:
        fits = "moments" not in anew and _sizes(old) == _sizes(fresh)
        return {"state": old["state"] if fits else {}, "param_groups": fresh["param_groups"]}
    if isinstance(fresh, Mapping):
        if not isinstance(old, Mapping) or old.keys() != fresh.keys():
            return fresh
        return {key: item if key in anew else carried(old[key], item, anew) for key, item in fresh.items()}
    return old if _is_alike(old, fresh) else fresh


def keep_alike(before: OptimizerSettings, after: OptimizerSettings) -> bool:
    """Return whether two optimizers keep the same of each parameter."""
    return (set(before.kept_moments), before.counters) == (set(after.kept_moments), after.counters)


def _sizes(state: Mapping[str, Any]) -> list[int]:
    return [len(group["params"]) for group in state["param_groups"]]


def _is_alike(old: Any, fresh: Any) -> bool:
    if isinstance(fresh, Tensor):
        return isinstance(old, Tensor) and old.shape == fresh.shape and old.dtype == fresh.dtype
    return fresh is None or old is None or type(old) is type(fresh)
