"""Passes through a model without torch's compiler, which kernels that know shapes alone import to switch it off."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
_REMEMBERED = "__dynamo_disable"
"""Where torch keeps what the compiler made of a function when it was asked to leave it alone."""


class _StandIn(ModuleType):
    """Stands where the compiler would, leaves functions as they are, and makes way once more is asked of it."""

    def __init__(self) -> None:
        super().__init__(_COMPILER)
        self.left_alone: list[Callable[..., Any]] = []

    def disable(self, function: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
        """Return a function as it is; torch will remember that."""
        self.left_alone.append(function)
        return function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # the machinery of imports looks whether it has these
            raise AttributeError(name)
        self.make_way()
        return getattr(importlib.import_module(_COMPILER), name)

    def make_way(self) -> None:
        """Leave no trace, so that the compiler can come."""
        if sys.modules.get(_COMPILER) is self:
            del sys.modules[_COMPILER]
        for function in self.left_alone:
            vars(function).pop(_REMEMBERED, None)
        self.left_alone.clear()


@contextmanager
def without_compiler() -> Iterator[None]:
    """Spare a second where the compiler is not imported yet; where it is, nothing changes."""
    if _COMPILER in sys.modules:
        yield
        return
    stand_in = _StandIn()
    sys.modules[_COMPILER] = stand_in
    try:
        yield
    finally:
        stand_in.make_way()
