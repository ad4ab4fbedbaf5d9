"""The folder is the registry: `models/lenet.py` is the model `lenet`; plug-ins and entry points join it."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

from dltk.config.entry_points import EntryPoint, entry_points
from dltk.config.errors import Unavailable, UsageError, alternatives, shown

Kind = Literal["datasets", "models", "tasks"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_PACKAGE = Path(__file__).parent.parent
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What components may be called."""


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


def join(plugin: Plugin) -> None:
    """Let a plug-in be found, in place of an older content of its file.

    Raises:
        UsageError: Its name is taken.
    """
    kind, name = plugin.kind, plugin.name
    if name in shipped(kind) or name in _installed(kind):
        raise UsageError(
            f"the plug-in {shown(plugin.path.name)} would replace dltk's own {kind[:-1]} '{name}'", do="rename the file"
        )
    if (kind, name) in _plugins and _plugins[kind, name].path != plugin.path:
        raise UsageError(f"two plug-ins are called {shown(plugin.path.name)}", found=str(_plugins[kind, name].path))
    _plugins[kind, name] = plugin


def plugins() -> list[Plugin]:
    """Return the plug-ins of this process, sorted by kind and name."""
    return [_plugins[key] for key in sorted(_plugins)]


def is_plugin(kind: Kind, name: str) -> bool:
    """Return whether a name comes from a plug-in file or an installed entry point."""
    return (kind, name) in _plugins or name in _installed(kind)


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
        kind: {n: point for n, point in named.items() if NAME.fullmatch(n) and n not in shipped(kind)}
        for kind, named in zip(KINDS, found, strict=True)
    }


def _first_line(docstring: str | None) -> str:
    return next(iter((docstring or "").strip().splitlines()), "")
