"""The folder is the registry: `models/lenet.py` is the model `lenet`; plug-ins and entry points join it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Literal, NoReturn, get_args

from dltk.config.entry_points import EntryPoint, entry_points
from dltk.config.errors import MissingInput, Unavailable, UsageError, alternatives, listed, shown
from dltk.config.terminal import escaped

Kind = Literal["datasets", "models", "tasks"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_PACKAGE = Path(__file__).parent.parent
_NAME = re.compile(r"[a-z][a-z0-9_]*")
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


@dataclass(frozen=True)
class Plugin:
    """A user's component file, loaded because the command line named it."""

    kind: Kind
    name: str
    path: Path
    sha256: str
    module: ModuleType


_plugins: dict[tuple[Kind, str], Plugin] = {}


def names(kind: Kind) -> list[str]:
    """Return the sorted names of all components of a kind; nothing is imported."""
    return sorted({*shipped(kind), *joined(kind)})


def shipped(kind: Kind) -> list[str]:
    """Return the sorted names of the components in dltk's own folder of a kind."""
    return list(_own_folder(kind))


@cache
def _own_folder(kind: Kind) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (_PACKAGE / kind).glob("*.py") if not path.stem.startswith("_")))


def joined(kind: Kind) -> list[str]:
    """Return the sorted names that plug-ins and installed entry points add to a kind."""
    return sorted({*_installed(kind), *(name for plugin_kind, name in _plugins if plugin_kind == kind)})


def summary(kind: Kind, name: str) -> str:
    """Return the first line of a component's docstring; shipped files are read, not imported.

    Raises:
        UsageError: There is no such component.
    """
    if (kind, name) in _plugins:
        return _first_line(_plugins[kind, name].module.__doc__)
    if name in shipped(kind):
        with (_PACKAGE / kind / f"{name}.py").open(encoding="utf-8") as file:
            return file.readline().strip().strip('"')
    if name in _installed(kind):
        return f"from {_installed(kind)[name].value}"
    raise UsageError(unknown(kind, name))


def load(kind: Kind, name: str) -> ModuleType:
    """Import one component's file.

    Raises:
        UsageError: There is no such component; the message has the nearest name.
        Unavailable: The component needs an optional package that is not installed.
    """
    if (kind, name) in _plugins:
        return _plugins[kind, name].module
    try:
        if name in shipped(kind):
            return importlib.import_module(f"dltk.{kind}.{name}")
        if name in _installed(kind):
            return _entry_point(kind, name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("dltk."):  # a bug here, not a package to install
            raise
        raise Unavailable(
            f"{kind[:-1]} '{name}' needs the package {shown(error.name)}", do="pip install 'dltk[all]'"
        ) from error
    raise UsageError(unknown(kind, name))


def unknown(kind: Kind, name: str) -> str:
    """Return the sentence about a component that does not exist."""
    return f"there is no {kind[:-1]} {shown(name)}{alternatives(name, names(kind), 'available')}"


def use_plugin(path: Path) -> Plugin:
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
    if path.suffix != ".py" or not _NAME.fullmatch(name):
        raise UsageError(f"a plug-in's file name is a lower-case word such as my_model.py; received {shown(path.name)}")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    known = [plugin for plugin in _plugins.values() if plugin.name == name and plugin.sha256 == digest]
    if known:
        return known[0]
    module = _import_file(name, path, content)
    kind = _kind_of(module, path)
    if name in shipped(kind) or name in _installed(kind):
        raise UsageError(
            f"the plug-in {shown(path.name)} would replace dltk's own {kind[:-1]} '{name}'", do="rename the file"
        )
    if (kind, name) in _plugins and _plugins[kind, name].path != path:
        raise UsageError(f"two plug-ins are called {shown(path.name)}", found=str(_plugins[kind, name].path))
    plugin = Plugin(kind, name, path, digest, module)
    _plugins[kind, name] = plugin
    return plugin


def plugins() -> list[Plugin]:
    """Return the plug-ins of this process, sorted by kind and name."""
    return [_plugins[key] for key in sorted(_plugins)]


def is_plugin(kind: Kind, name: str) -> bool:
    """Return whether a name comes from a plug-in file or an installed entry point."""
    return (kind, name) in _plugins or name in _installed(kind)


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


def _entry_point(kind: Kind, name: str) -> ModuleType:
    point = _installed(kind)[name]
    module: object = importlib.import_module(point.module)
    for attribute in filter(None, point.attributes.split(".")):
        module = getattr(module, attribute)
    if not isinstance(module, ModuleType):
        raise UsageError(f"the entry point {kind[:-1]} '{name}' must name a module", found=point.value)
    return module


def _installed(kind: Kind) -> dict[str, EntryPoint]:
    return _all_installed()[kind]


@cache
def _all_installed() -> dict[Kind, dict[str, EntryPoint]]:
    found = entry_points([f"dltk.{kind}" for kind in KINDS])
    return {
        kind: {n: point for n, point in named.items() if _NAME.fullmatch(n) and n not in shipped(kind)}
        for kind, named in zip(KINDS, found, strict=True)
    }


def _first_line(docstring: str | None) -> str:
    return next(iter((docstring or "").strip().splitlines()), "")
