"""Entry points of installed packages, read from their files: importing importlib.metadata takes longer than that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

INSTALLED = (".dist-info", ".egg-info")
"""What folders end in that say what is installed beside them."""


class EntryPoint(NamedTuple):
    """A name that a package gives to something in it.

    Attributes:
        name: Of what it is.
        value: As it was declared, `module` or `module:attribute`.
    """

    name: str
    value: str

    @property
    def module(self) -> str:
        """What is to be imported."""
        return self.value.partition(":")[0].strip()

    @property
    def attributes(self) -> str:
        """What is meant in it, names with dots between; "" for the module itself."""
        return self.value.partition(":")[2].partition("[")[0].strip()


def entry_points(group: str) -> list[EntryPoint]:
    """Return the entry points of a group; of two with the same name, the one that is found first on the path counts."""
    found: dict[str, EntryPoint] = {}
    for text in _declarations():
        if group in text:
            for point in _parsed(text, group):
                found.setdefault(point.name, point)
    return list(found.values())


def _declarations() -> Iterator[str]:
    """Yield what every installed package declares."""
    for folder in dict.fromkeys(map(Path, sys.path)):
        try:
            installed = sorted(path for path in folder.iterdir() if path.name.endswith(INSTALLED))
        except OSError:
            continue
        for path in installed:
            try:
                yield (path / "entry_points.txt").read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue


def _parsed(text: str, group: str) -> Iterator[EntryPoint]:
    """Yield the entry points of a group in a file of sections such as [dltk.models] and lines such as name = value."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip())
