"""Lives of a run: real processes, forked warm, that run the command line until it ends or they die as a test says."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from tests.children import Child

MADE = "made"
RUN = f"{MADE}/run"
NEW = ("train", "config.yaml", "--output-dir", RUN, "--quiet")
AGAIN = ("train", "config.yaml", "--output-dir", RUN, "--resume", "auto", "--quiet")
FIRST_CALLS = 100  # of the parser of the command line: nothing of dltk has begun


class Fault(Protocol):
    """What befalls a process; it is armed in the process itself."""

    def arm(self) -> None:
        """Begin to wait for the moment."""

    def disarm(self) -> dict[str, int]:
        """Stop waiting; return what was counted."""


@dataclass(frozen=True)
class Life:
    """How a process ended.

    Attributes:
        code: Its exit code; -N where signal N ended it.
        said: Everything on stdout and stderr.
        counted: What its fault counted, where it lived to tell.
    """

    code: int
    said: str
    counted: dict[str, int]


class Nothing:
    """Nothing befalls."""

    def arm(self) -> None:
        pass

    def disarm(self) -> dict[str, int]:
        return {}


class Moment:
    """Signals that come once so many Python functions were called: a clock that every machine and load agree on.

    Args:
        call: When the first comes; 0: never.
        signals: What comes.
        gap: Calls from one to the next.
        of_fit: Whether calls count from where training begins, which lives reach after more or fewer calls.
    """

    def __init__(self, call: int = 0, signals: Sequence[int] = (), gap: int = 300, *, of_fit: bool = False) -> None:
        self.moments = {call + gap * i: number for i, number in enumerate(signals)}
        self.of_fit = of_fit
        self.calls = self.begun_at = self.ended_at = 0

    def arm(self) -> None:
        sys.settrace(self._tick)

    def disarm(self) -> dict[str, int]:
        sys.settrace(None)
        return {"calls": self.calls, "begun_at": self.begun_at, "ended_at": self.ended_at}

    def _tick(self, frame: FrameType, _event: str, _argument: Any) -> None:
        self.calls += 1
        place = frame.f_code.co_name, Path(frame.f_code.co_filename).name
        if not self.begun_at and place == ("fit", "loop.py"):
            self.begun_at = self.calls
        if self.begun_at and not self.ended_at and place == ("finish", "reporting.py"):
            self.ended_at = self.calls
        now = self.calls - self.begun_at if self.of_fit else self.calls
        if now in self.moments and (self.begun_at or not self.of_fit):
            os.kill(os.getpid(), self.moments[now])


def live(folder: Path, arguments: Sequence[str] = AGAIN, fault: Fault | None = None) -> Life:
    """Run a command in a folder, in a process of its own, until its end."""
    with tempfile.NamedTemporaryFile() as heard:
        child = Child(run_command, folder, arguments, fault or Nothing(), heard.name)
        try:
            code, counted = child.result()
        except EOFError:
            code, counted = child.exit_code(), {}
        return Life(code, Path(heard.name).read_text(errors="replace"), counted)


def to_the_end(folder: Path, arguments: Sequence[str] = AGAIN, fault: Fault | None = None) -> Life:
    """Run a command that must succeed."""
    life = live(folder, arguments, fault)
    assert life.code == 0, life.said
    return life


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a folder whose disk answers at once, where there is such a disk."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tell(*words: object) -> None:
    """Say what was tried; pytest shows it with -s."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def kind_of(numbers: Sequence[int]) -> str:
    """Spell signals: KILL, TERM, INT+INT."""
    return "+".join(signal.Signals(number).name.removeprefix("SIG") for number in numbers)


def run_command(folder: Path, arguments: Sequence[str], fault: Fault, heard: str) -> tuple[int, dict[str, int]]:
    from dltk.cli.app import run

    os.chdir(folder)
    descriptor = os.open(heard, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(descriptor, number)
    fault.arm()
    try:
        code = run(list(arguments))
    finally:
        counted = fault.disarm()
    sys.stdout.flush()
    sys.stderr.flush()
    return code, counted
