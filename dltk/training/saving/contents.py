"""What goes into a file: bytes, or pieces that need not be in memory all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol


class Pieces(Protocol):
    """A file's content, made while it is written; each time the same."""

    @property
    def num_bytes(self) -> int:
        """How long it is."""

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """Make one piece after another."""


Content = bytes | Pieces


def pieces_of(content: Content | Iterable[bytes]) -> Iterable[bytes | memoryview]:
    """Return what to write, in order."""
    return (content,) if isinstance(content, bytes) else content


def size_of(content: Content) -> int:
    """Return how many bytes a file will have."""
    return len(content) if isinstance(content, bytes) else content.num_bytes
