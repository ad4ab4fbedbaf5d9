"""A contestant's end of the line: waits for its turn, is timed while it works, and tells what came of it."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

Judge = Callable[[], Mapping[str, float]]
"""Returns columns of the row that a turn becomes."""


class Turns:
    """Rounds that the referee grants one at a time, on standard input and output.

    What the contestant's own libraries print goes to standard error.
    """

    def __init__(self) -> None:
        self._to_referee = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._began: tuple[float, float] = (0.0, 0.0)

    def ready(self, facts: Mapping[str, Any]) -> None:
        """Tell that everything is prepared, and what was chosen."""
        self._tell({"ready": dict(facts)})

    def begin(self) -> None:
        """Wait for a turn, then start the clocks; when there are no more turns, end the process."""
        if not sys.stdin.readline():
            self._end()
        self._began = time.perf_counter(), _processor_seconds()

    def end(self, steps: int | None, loss: float | None, judge: Judge = dict) -> None:
        """Stop the clocks and tell what was done.

        Args:
            steps: How often parameters moved in this turn; None where nobody counts.
            loss: Mean training loss of its last epoch; None where nobody tells.
            judge: Called afterwards; what it returns stands in the place of the training loss.
        """
        wall, cpu = time.perf_counter() - self._began[0], _processor_seconds() - self._began[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = {"seconds": wall, "cpu_seconds": cpu, "steps": steps, "loss": loss, "peak_mb": round(peak, 1)}
        self._tell({**told, **judge()})

    def _tell(self, answer: Mapping[str, Any]) -> None:
        self._to_referee.write(json.dumps(answer) + "\n")
        self._to_referee.flush()

    def _end(self) -> NoReturn:
        self._to_referee.close()
        os._exit(0)  # libraries with threads of their own may not end otherwise


def _processor_seconds() -> float:
    """Return what this process has used, and the programs that it called, such as a compiler."""
    called = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + called.ru_utime + called.ru_stime


class Pace:
    """Cuts a run that is in other hands into rounds, where that run tells the end of each epoch.

    Args:
        turns: The referee's.
        epochs: Of the run.
        round_epochs: Of a round.
        judge: Tells at the end of a round what was learned.
    """

    def __init__(self, turns: Turns, epochs: int, round_epochs: int, judge: Judge = dict) -> None:
        self._turns, self._run, self._round, self._judge = turns, epochs, round_epochs, judge
        self._epochs = self._steps = 0

    def epoch(self, steps: int, loss: float) -> None:
        """Count an epoch and its steps; after the last of a round wait for the next turn, unless the run is over."""
        self._epochs += 1
        self._steps += steps
        if self._epochs % self._round == 0:
            self._turns.end(self._steps, loss, self._judge)
            self._steps = 0
            if self._epochs < self._run:
                self._turns.begin()
