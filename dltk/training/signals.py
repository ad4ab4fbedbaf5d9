"""Ctrl-C, SIGTERM and a time limit ask for a checkpoint and an end; a second Ctrl-C ends at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CODE_OUT_OF_TIME = 0
"""A run that ends at the limit it was given did what was asked."""


class StopRequest:
    """Whether the run was asked to stop, and by what.

    Args:
        deadline: Of `time.monotonic()`, when it is to stop by itself; None for never.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self.signal_number: int | None = None
        self._deadline = deadline

    @property
    def code(self) -> int | None:
        """The exit code to stop with at the next step, 128 + the signal or 0 at the deadline; None to go on."""
        if self.signal_number is not None:
            return 128 + self.signal_number
        is_over = self._deadline is not None and time.monotonic() >= self._deadline
        return CODE_OUT_OF_TIME if is_over else None

    @property
    def requested(self) -> bool:
        """Whether to stop at the next step."""
        return self.signal_number is not None

    def take(self, signal_number: int, _frame: FrameType | None) -> None:
        """Note a signal; a second interrupt raises KeyboardInterrupt at once."""
        if self.requested and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = signal_number


class Stopped(Exception):
    """The run was stopped by a signal or at its time limit; its checkpoint is saved.

    Args:
        code: The exit code: 128 + the signal, or 0.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"stopped {by_what(code)}")
        self.code = code
        self.run = ""


def by_what(code: int) -> str:
    """Return what stopped a run with this exit code: "by SIGINT", "at its time limit"."""
    return "at its time limit" if code == CODE_OUT_OF_TIME else f"by {signal.Signals(code - 128).name}"


@contextmanager
def listening(deadline: float | None = None) -> Iterator[StopRequest]:
    """Listen for SIGINT and SIGTERM while the block runs; elsewhere than in the main thread nothing is heard.

    Args:
        deadline: Of `time.monotonic()`, when to stop by itself; None for never.
    """
    request = StopRequest(deadline)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
