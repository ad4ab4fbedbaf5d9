"""Ctrl-C and SIGTERM: the first asks for a checkpoint and an end, a second Ctrl-C ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the run was asked to stop; `signal_number` says by what."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

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
    """The run was stopped by a signal; its checkpoint is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.code = 128 + signal_number
        self.run = ""


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Listen for SIGINT and SIGTERM while the block runs; elsewhere than in the main thread nothing is heard."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
