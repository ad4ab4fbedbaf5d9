"""What a terminal may show: nothing that could control it, and colours only where they are wanted."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Style = Literal["error", "place", "caret", "dim"]
_CODES: Mapping[Style, str] = {"error": "1;31", "place": "1", "caret": "1;31", "dim": "2"}


@dataclass(frozen=True)
class Ink:
    """Colours text for a terminal, or leaves it as it is."""

    is_coloured: bool = False

    def __call__(self, style: Style, text: str) -> str:
        """Return the text in a style."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.is_coloured and text else text


PLAIN = Ink()


def ink_for(*, is_terminal: bool) -> Ink:
    """Return what writes to a stream: in colours on a terminal, unless it is dumb or `$NO_COLOR` is set."""
    return Ink(is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def escaped(text: str) -> str:
    """Spell control characters, tabs, lone surrogates and the like as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def short(path: Path) -> str:
    """Spell a path relative to the current directory where it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def width_of(text: str) -> int:
    """Return how many columns a terminal gives a text."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
