"""What was asked for while data are read: memory, disk, or whichever follows from what they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Storage = Literal["auto", "memory", "disk"]
_asked: ContextVar[Storage] = ContextVar("storage", default="auto")


@contextmanager
def reading_to(storage: Storage) -> Iterator[None]:
    """Let what is read meanwhile lie where `data.storage` says: the options of a data set do not hold that."""
    token = _asked.set(storage)
    try:
        yield
    finally:
        _asked.reset(token)


def asked_storage() -> Storage:
    """Return what was asked for; "auto" leaves it to the rule."""
    return _asked.get()
