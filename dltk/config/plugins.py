"""Plug-ins: a user's component file, imported and taken into the registry."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from dltk.config import registry
from dltk.config.errors import MissingInput, UsageError, listed, shown
from dltk.config.registry import NAME, Kind
from dltk.config.terminal import escaped

_PARTS: dict[Kind, tuple[str, ...]] = {
    "datasets": ("Config", "describe", "read", "prepare", "restore"),
    "models": ("Config", "build"),
    "tasks": ("Config", "build"),
}
_FAULTS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a faulty file raises while it is imported."""


def use_plugin(path: Path) -> registry.Plugin:
    """Load a user's component file; its stem becomes a name of the kind that its functions show.

    A dataset defines `read`, a task's Config has `needs`, a model's Config has `role`. The same file, changed, is
    loaded anew.

    Raises:
        MissingInput: There is no such file.
        UsageError: The file is no component, cannot be imported, or its name is taken.
    """
    name, path = path.stem, path.absolute()
    if not path.is_file():
        raise MissingInput(f"there is no plug-in file {shown(path.name)}", where=str(path))
    if path.suffix != ".py" or not NAME.fullmatch(name):
        raise UsageError(f"a plug-in's file name is a lower-case word such as my_model.py; received {shown(path.name)}")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    known = [plugin for plugin in registry.plugins() if plugin.name == name and plugin.sha256 == digest]
    if known:
        return known[0]
    module = _import_file(name, path, content)
    plugin = registry.Plugin(_kind_of(module, path), name, path, digest, module)
    registry.join(plugin)
    return plugin


class _Content(SourceFileLoader):
    """Imports exactly the bytes whose digest is recorded; nothing is written beside the user's file."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self._content = content

    def get_data(self, path: str | bytes) -> bytes:  # noqa: ARG002
        return self._content

    def path_stats(self, path: str | bytes) -> NoReturn:
        raise OSError(f"{path!r} is never read again")


def _import_file(name: str, path: Path, content: bytes) -> ModuleType:
    module_name = f"dltk_plugin_{name}_{hashlib.sha256(content).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(module_name, path, loader=_Content(module_name, path, content))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pydantic looks types up here
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except _FAULTS as error:
        del sys.modules[module_name]
        raise UsageError(
            f"the plug-in {shown(path.name)} cannot be imported",
            where=f"{path}:{_line_of(error, path)}",
            found=escaped(f"{type(error).__name__}: {error}"),
        ) from error
    return module


def _line_of(error: BaseException, path: Path) -> int:
    """Return the line of a file that an error arose in."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(path)), 1)


def _kind_of(module: ModuleType, path: Path) -> Kind:
    config = getattr(module, "Config", None)
    signs: dict[Kind, bool] = {
        "datasets": hasattr(module, "read"),
        "tasks": hasattr(config, "needs"),
        "models": hasattr(config, "role"),
    }
    kind = next((kind for kind, shows in signs.items() if shows), None)
    if kind is None:
        raise UsageError(
            f"{shown(path.name)} is no component",
            where=str(path),
            expected=(
                "a Config and: describe, read, prepare, restore (dataset); build with Config.role (model) "
                "or Config.needs (task)"
            ),
        )
    missing = [name for name in _PARTS[kind] if not hasattr(module, name)]
    if missing:
        raise UsageError(f"the {kind[:-1]} {shown(path.name)} does not define {listed(missing)}", where=str(path))
    return kind
