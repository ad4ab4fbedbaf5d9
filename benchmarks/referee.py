"""Paired rounds: every contestant in a process of its own, one at work at a time, in an order that changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from benchmarks.material import REPOSITORY, Material
from benchmarks.records import Row
from benchmarks.workloads import Workload

Say = Callable[[str], None]
LINES_OF_ERROR = 3


class Failed(Exception):
    """A contestant ended before its turns were over; says how."""


class Process:
    """A contestant that waits for its turns.

    Args:
        name: Who.
        python: The interpreter that has its packages.
        workload: What it trains.
        material: From what.
        threads: On how many cores.
        errors: What it prints goes there.
    """

    def __init__(
        self, name: str, python: str, workload: Workload, material: Material, threads: int, errors: IO[bytes]
    ) -> None:
        self.name, self._errors = name, errors
        count = str(threads)
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.contestants", name, workload.key, str(material.folder), count],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def wait(self) -> Mapping[str, Any]:
        """Wait until it is ready; return what it chose."""
        facts: Mapping[str, Any] = self._answer()["ready"]
        return facts

    def turn(self) -> Mapping[str, Any]:
        """Let it work on one round; return what came of it.

        Raises:
            Failed: It ended instead.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        return self._answer()

    def stop(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failure(self) -> Failed:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return Failed(f"{self.name} ended with code {self._process.returncode}: {' | '.join(lines[-LINES_OF_ERROR:])}")


def rounds(
    workload: Workload, material: Material, names: Sequence[str], threads: int, *, first: int, count: int, say: Say
) -> Iterator[Row]:
    """Yield what came of each contestant in each round; one that fails gives one row with its error, and is out.

    Args:
        workload: What is trained.
        material: From what.
        names: Who.
        threads: On how many cores.
        first: Number of the first round.
        count: How many there are, after one to warm up.
        say: Takes what people want to know meanwhile.
    """
    numbers = range(first, first + count)
    if workload.is_cold:
        for number in numbers:
            for name in in_turn(names, number):
                yield from _rounds(workload, material, [name], threads, [number], say)
    else:
        yield from _rounds(workload, material, names, threads, [None, *numbers], say)


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """Return the order of a round: each begins as often as the others."""
    start = number % max(1, len(names))
    return [*names[start:], *names[:start]]


def _rounds(
    workload: Workload,
    material: Material,
    names: Sequence[str],
    threads: int,
    numbers: Sequence[int | None],
    say: Say,
) -> Iterator[Row]:
    """Yield the rows of rounds by processes that stay; a round without a number only warms up."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(_started(name, workload, material, threads)) for name in names}
        failed: list[Row] = []

        def asked(name: str, question: Callable[[Process], Mapping[str, Any]]) -> Mapping[str, Any] | None:
            try:
                return question(running[name])
            except Failed as failure:
                failed.append(Row.failed(workload.key, name, threads, str(failure)))
                del running[name]
                return None

        for name in names:
            facts = asked(name, Process.wait)
            if facts is not None:
                say(f"{workload.key}, {threads} threads: {name} is ready{_spelled(facts)}")
        for number in numbers:
            for name in in_turn(list(running), number or 0):
                result = asked(name, Process.turn)
                if result is not None and number is not None:
                    yield Row.of(workload.key, name, threads, number, result)
        yield from failed


@contextmanager
def _started(name: str, workload: Workload, material: Material, threads: int) -> Iterator[Process]:

    with tempfile.TemporaryFile() as errors:
        process = Process(name, sys.executable, workload, material, threads, errors)
        try:
            yield process
        finally:
            process.stop()


def _spelled(facts: Mapping[str, Any]) -> str:
    telling = {key: value for key, value in facts.items() if key not in {"platform", "python", "plugins", "gpu"}}
    return "".join(f", {key} {value}" for key, value in telling.items())
