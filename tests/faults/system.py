"""The operating system under a folder, whose N-th call a process dies of, or which fails: calls that change files.

Works in Python, so that it needs no privilege and counts only calls on the folder.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALLS = ("open", "fsync", "close", "mkdir", "rename", "replace", "unlink", "rmdir", "truncate")
LIVES_ON = 0


@dataclass(frozen=True)
class Outcome:
    """What becomes of the call: the process dies, a signal comes, or it fails with an error.

    Attributes:
        signal_number: What comes; SIGKILL in the middle of a write.
        error: The error number, where there is no signal.
        lasts: Whether all later calls of the same kind fail, too.
    """

    signal_number: int = 0
    error: int = 0
    lasts: bool = False


DEATH = Outcome(signal.SIGKILL)


@dataclass(frozen=True)
class Event:
    """A call.

    Attributes:
        name: What it does; "create" an open that makes a file.
        path: What it is done to.
        to: The new name.
        content: What is written.
    """

    name: str
    path: str
    to: str = ""
    content: bytes = b""


class System:
    """Counts the calls on a folder; the N-th has another outcome.

    Args:
        folder: Absolute; calls elsewhere are not counted.
        number: Which call, from 1; 0: none.
        outcome: What becomes of it.
        kind: Which calls count; "": all.
    """

    def __init__(self, folder: Path, number: int = 0, outcome: Outcome = DEATH, kind: str = "") -> None:
        self.folder, self.number, self.outcome, self.kind = str(folder), number, outcome, kind
        self.count = 0
        self.events: list[Event] = []
        self._paths: dict[int, str] = {}
        self._armed = False

    def arm(self) -> None:
        """Stand between Python and the system."""
        self._armed = True
        for name in CALLS:
            setattr(os, name, self._watched(name, getattr(os, name)))
        io.open = builtins.open = self._opened(io.open)

    def disarm(self) -> dict[str, int]:
        """Count no more; return how many calls there were."""
        self._armed = False
        return {"calls": self.count}

    def call(
        self, name: str, path: str, halfway: Callable[[], Any] = lambda: None, *, to: str = "", content: bytes = b""
    ) -> None:
        """Count a call on a path; die or raise where it is the one."""
        if not self._armed or not path.startswith(self.folder) or self.kind not in ("", name):
            return
        self.count += 1
        self.events.append(Event(name, path, to, content))
        if self.count == self.number or (self.outcome.lasts and 0 < self.number < self.count):
            if self.outcome.signal_number:
                halfway()
                os.kill(os.getpid(), self.outcome.signal_number)
                return
            raise OSError(self.outcome.error, os.strerror(self.outcome.error), path)

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(*args: Any, **kwargs: Any) -> Any:
            path = self._path(args[0], kwargs.get("dir_fd"))
            to = self._path(args[1], None) if name in ("rename", "replace") else ""
            self.call("rename" if name == "replace" else name, path, to=to)
            result = call(*args, **kwargs)
            if name == "open":
                self._paths[result] = path
            return result

        return attempt

    def _path(self, target: Any, dir_fd: int | None) -> str:
        if isinstance(target, int):
            return self._paths.get(target, "")
        text = os.fsdecode(target)
        return str(Path(self._paths.get(dir_fd, "/"), text)) if dir_fd is not None else str(Path(text).absolute())

    def _opened(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            path = self._path(file, None)
            if not self._armed or not path.startswith(self.folder):
                return call(file, mode, *args, **kwargs)
            opener = kwargs.get("opener")
            if opener is None:  # else it is counted where that opens
                self.call("open", path)
            if mode.strip("bt") not in ("w", "a", "x"):
                return call(file, mode, *args, **kwargs)
            raw = Written(self, path, mode.strip("bt"), opener)
            self._paths[raw.fileno()] = path
            buffered = io.BufferedWriter(raw)
            encoding, errors = kwargs.get("encoding"), kwargs.get("errors")
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors)

        return attempt


class Written(io.FileIO):
    """A file whose writes and closing are calls of the system."""

    def __init__(self, system: System, path: str, mode: str, opener: Callable[[str, int], int] | None) -> None:
        super().__init__(path, mode, opener=opener)
        self._system, self._path = system, path

    def write(self, content: Any) -> int:
        """Write; a process that dies of it has written half."""
        half = bytes(content)[: len(content) // 2]
        self._system.call("write", self._path, lambda: super(Written, self).write(half), content=bytes(content))
        return super().write(content)

    def close(self) -> None:
        """Close; where that fails, the file is closed nevertheless, as on Linux."""
        if not self.closed:
            try:
                self._system.call("close", self._path)
            finally:
                with contextlib.suppress(OSError):
                    super().close()
