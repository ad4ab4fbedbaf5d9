"""A lock on a run directory that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import IO

from dltk.config.errors import Locked, OutputError
from dltk.training.saving.opening import not_through_a_link

if sys.platform != "win32":
    import fcntl

NUM_TRIES = 10


class Lock:
    """Possession of a file's directory by one process. A file system without locks, and Windows, protect nothing."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def take(self, path: Path) -> None:
        """Take possession by locking a file, which is made where it is missing.

        Raises:
            Locked: Another live process has it.
            OutputError: The directory cannot be written.
        """
        if sys.platform == "win32":
            return
        try:
            file = open(path, "a+", encoding="utf-8", opener=not_through_a_link)  # noqa: SIM115 - open for life
        except OSError as error:
            where = str(path.parent)
            raise OutputError(f"cannot write into the run directory: {error.strerror}", where=where) from None
        try:
            _lock_soon(file)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            file.close()
            raise Locked(
                f"another process owns this run: {owner or 'unknown'}",
                where=str(path.parent),
                do="wait for it to end",
            ) from None
        except OSError:
            file.close()
            return
        self._file = file
        with contextlib.suppress(OSError):  # a full disk takes no note of the owner, who owns it nevertheless
            file.truncate(0)
            file.write(f"pid {os.getpid()} on {os.uname().nodename}")
            file.flush()

    def release(self) -> None:
        """Give possession back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def is_locked(path: Path) -> bool:
    """Return whether a live process holds the lock on a file."""
    if sys.platform == "win32" or not path.is_file():
        return False
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _lock_soon(file: IO[str]) -> None:
    """Lock a file; one who only looks whether it is locked lets go within a moment."""
    assert sys.platform != "win32"
    for _ in range(NUM_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
