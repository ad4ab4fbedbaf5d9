"""Ctrl-C, SIGTERM and a time limit ask for a checkpoint and an end; a second Ctrl-C, or no more time, ends at once."""

from __future__ import annotations

import _thread
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

CODE_OUT_OF_TIME = 0
"""A run that ends at the limit it was given did what was asked."""
GRACE_SECONDS = 25.0
"""What is left of the half minute that most schedulers wait between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Limits:
    """How long a run may take.

    Attributes:
        deadline: Of `time.monotonic()`, when to stop with a checkpoint.
        grace: Seconds after SIGTERM in which the step and its checkpoint must be done; else it stops without.
    """

    deadline: float = math.inf
    grace: float = GRACE_SECONDS


NO_LIMITS = Limits()


class StopRequest:
    """Whether the run was asked to stop, and by what.

    The time limit holds from the first step or evaluation on that is done: one that takes longer is finished, or a run
    that goes on under the same limit again and again would never get further.
    """

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self.signal_number: int | None = None
        self._limits = limits
        self._deadline = math.inf
        self._is_over = False

    @property
    def code(self) -> int | None:
        """The exit code to stop with, 128 + the signal or 0 at the deadline; None to go on."""
        if self.signal_number is not None:
            return 128 + self.signal_number
        return CODE_OUT_OF_TIME if time.monotonic() >= self._deadline else None

    @property
    def requested(self) -> bool:
        """Whether to stop at the next step."""
        return self.signal_number is not None

    def has_progress(self) -> None:
        """Note that a step or an evaluation is done, and will not be lost."""
        self._deadline = self._limits.deadline

    def take(self, signal_number: int, _frame: FrameType | None) -> None:
        """Note a signal; a second interrupt, or the end of the grace, raises KeyboardInterrupt at once."""
        if self._is_over or (self.requested and signal_number == signal.SIGINT):
            self.signal_number = self.signal_number or signal_number
            raise KeyboardInterrupt
        self.signal_number = self.signal_number or signal_number

    def end(self) -> None:
        """Interrupt the main thread, which listens: there is no more time. For another thread to call."""
        self._is_over = True
        if sys.platform == "win32":
            _thread.interrupt_main()
        else:  # a signal wakes it from waiting for a disk or a worker, too
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


class Stopped(Exception):
    """The run was stopped by a signal or at its time limit.

    Args:
        code: The exit code: 128 + the signal, or 0.
        is_saved: Whether its last step is in a checkpoint; else it goes on from the one before.
    """

    def __init__(self, code: int, *, is_saved: bool = True) -> None:
        super().__init__(f"stopped {by_what(code)}")
        self.code, self.is_saved = code, is_saved
        self.run = ""


def by_what(code: int) -> str:
    """Return what stopped a run with this exit code: "by SIGINT", "at its time limit"."""
    return "at its time limit" if code == CODE_OUT_OF_TIME else f"by {signal.Signals(code - 128).name}"


@contextmanager
def listening(limits: Limits = NO_LIMITS) -> Iterator[StopRequest]:
    """Listen for SIGINT and SIGTERM while the block runs; elsewhere than in the main thread nothing is heard.

    Raises:
        Stopped: At once, without a checkpoint, where there was a second interrupt or no more time.
    """
    request = StopRequest(limits)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    alarm = threading.Timer(limits.grace, request.end)
    alarm.daemon = True

    def hear(signal_number: int, frame: FrameType | None) -> None:
        if signal_number == signal.SIGTERM and not request.requested:
            alarm.start()
        request.take(signal_number, frame)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    except KeyboardInterrupt:
        raise Stopped(request.code or 128 + signal.SIGINT, is_saved=False) from None
    finally:
        alarm.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
