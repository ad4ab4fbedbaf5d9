"""Packages that only some runs need: loaded by name, and what to install where they are absent."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

from dltk.config.errors import Unavailable


def load_extra(module: str, extra: str) -> ModuleType:
    """Return a module of an optional dependency.

    Args:
        module: Such as "onnxruntime" or "package.part".
        extra: The name in brackets behind dltk that installs it.

    Raises:
        Unavailable: It is not installed.
    """
    package = module.partition(".")[0]
    if find_spec(package) is None:
        raise Unavailable(f"this needs the package {package}", do=f"pip install 'dltk[{extra}]'")
    return importlib.import_module(module)
