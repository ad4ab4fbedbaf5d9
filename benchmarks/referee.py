"""Paired rounds: every contestant in a process of its own, one at work at a time, in an order that changes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any

from benchmarks.contestants.names import CONTESTANTS
from benchmarks.material import REPOSITORY, Material
from benchmarks.peers import NotInstalled, python_for
from benchmarks.records import Row
from benchmarks.workloads import Workload

Say = Callable[[str], None]
LINES_OF_ERROR = 3
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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
        count, root = str(threads), str(REPOSITORY)
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.contestants", name, workload.key, str(material.folder), count],
            cwd=REPOSITORY,
            env={**os.environ, **CONTESTANTS[name].environment, **dict.fromkeys(THREADS, count), "PYTHONPATH": root},
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
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

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
        crew = Crew(workload, material, threads, stack)
        for name in names:
            crew.start(name)
        for name in list(crew.running):
            facts = crew.ask(name, Process.wait)
            if facts is not None:
                say(f"{workload.key}, {threads} threads: {name} is ready{_spelled(facts)}")
        for number in numbers:
            for name in in_turn(list(crew.running), number or 0):
                result = crew.ask(name, Process.turn)
                if result is not None and number is not None:
                    yield Row.of(workload.key, name, threads, number, result)
        yield from crew.failed


class Crew:
    """The contestants of some rounds: those that are left, and why the others are not.

    Args:
        workload: What they train.
        material: From what.
        threads: On how many cores each.
        stack: Ends their processes.
    """

    def __init__(self, workload: Workload, material: Material, threads: int, stack: ExitStack) -> None:
        self._workload, self._material, self._threads, self._stack = workload, material, threads, stack
        self.running: dict[str, Process] = {}
        self.failed: list[Row] = []

    def start(self, name: str) -> None:
        """Start a contestant; they prepare at the same time."""
        try:
            python = python_for(CONTESTANTS[name])
        except NotInstalled as failure:
            self.failed.append(Row.failed(self._workload.key, name, self._threads, str(failure)))
            return
        errors = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed by the stack
        process = Process(name, python, self._workload, self._material, self._threads, errors)
        self._stack.callback(process.stop)
        self.running[name] = process

    def ask(self, name: str, question: Callable[[Process], Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Return a contestant's answer; None where it failed, and is out."""
        try:
            return question(self.running[name])
        except Failed as failure:
            self.failed.append(Row.failed(self._workload.key, name, self._threads, str(failure)))
            del self.running[name]
            return None


def _spelled(facts: Mapping[str, Any]) -> str:
    telling = {key: value for key, value in facts.items() if key not in {"platform", "python", "plugins", "gpu"}}
    return "".join(f", {key} {value}" for key, value in telling.items())
