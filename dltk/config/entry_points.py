"""Entry points of installed packages, read from their files: importing importlib.metadata takes longer than that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
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


def entry_points(groups: Sequence[str]) -> list[dict[str, EntryPoint]]:
    """Return the entry points of each group by name; of two with one name, the one found first on the path counts."""
    found: list[dict[str, EntryPoint]] = [{} for _ in groups]
    for text in _declarations():
        for named, group in zip(found, groups, strict=True):
            if group in text:
                for point in _parsed(text, group):
                    named.setdefault(point.name, point)
    return found


def _declarations() -> Iterator[str]:
    """Yield what every installed package declares."""
    for folder in dict.fromkeys(sys.path):
        try:
            installed = sorted(entry.path for entry in os.scandir(folder or ".") if entry.name.endswith(INSTALLED))
        except OSError:
            continue
        for path in installed:
            try:
                yield Path(path, "entry_points.txt").read_text(encoding="utf-8")
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
