"""torch's optimizers without its compiler: they import it, which takes a second, only to switch it off."""

from __future__ import annotations

import sys

from torch.optim import Optimizer

_MARK = "__dynamo_disable"
_METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def call_without_compiler() -> None:
    """Let those methods be called as they are; changes nothing where the compiler is in use, or torch has none."""
    if "torch._dynamo" in sys.modules:
        return
    for name in _METHODS:
        inner = getattr(getattr(Optimizer, name), "__wrapped__", None)
        if inner is not None and not hasattr(inner, _MARK):
            setattr(inner, _MARK, inner)
