"""Start of a contestant's process: `python -m benchmarks.contestants NAME KEY MATERIAL THREADS`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from benchmarks.contestants.turns import Turns


def main(name: str, key: str, folder: str, threads: int) -> None:
    """Keep to as many cores as there are threads, then let the contestant train until its turns are over."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    turns = Turns()
    from benchmarks.contestants.names import CONTESTANTS  # noqa: PLC0415 - numpy counts the cores when it is imported
    from benchmarks.material import Material  # noqa: PLC0415
    from benchmarks.workloads import SCALING, WORKLOADS  # noqa: PLC0415

    contestant = CONTESTANTS[name]
    module = importlib.import_module(f"benchmarks.contestants.{contestant.module}")
    module.run({**WORKLOADS, **SCALING}[key], Material.open(Path(folder)), turns, threads, **contestant.options)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
