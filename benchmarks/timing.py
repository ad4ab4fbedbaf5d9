"""Timing of calls in this process, on as many cores as are asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


def keep_to_cores(count: int) -> None:
    """Keep this process, and torch's threads, to so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    import torch  # noqa: PLC0415 - counts the cores when it is imported

    torch.set_num_threads(count)


def repeated(call: Callable[[], object], seconds: float) -> tuple[int, float]:
    """Call for some time; return how often, and the processor seconds of all calls."""
    count, started_at, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started_at < seconds:
        call()
        count += 1
    return count, time.process_time() - cpu
