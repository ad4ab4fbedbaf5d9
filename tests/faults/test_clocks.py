"""Clocks that jump by years, and files that seem to be of any time, change nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from dltk.training.runs.rundir import RunDir
from tests.endings import end_of
from tests.faults.experiments import reference, write_config
from tests.faults.lives import AGAIN, MADE, NEW, RUN, Fault, Nothing, folder_in_memory, live, to_the_end
from tests.faults.system import System
from tests.faults.truths import Truths

NAME = "short"
TEN_YEARS = 10 * 365 * 86_400


class Clock:
    """A wall clock that shows another time, up to ten years away, whenever it is asked; then another fault befalls."""

    def __init__(self, fault: Fault) -> None:
        self._fault, self._asked, self._now = fault, 0, time.time

    def arm(self) -> None:
        time.time = self._jumping
        self._fault.arm()

    def disarm(self) -> dict[str, int]:
        return {**self._fault.disarm(), "asked": self._asked}

    def _jumping(self) -> float:
        self._asked += 1
        return self._now() + Random(self._asked).uniform(-TEN_YEARS, TEN_YEARS)


def date_anew(folder: Path, chance: Random) -> None:
    """Let every file and folder seem to be of some other time."""
    for path in folder.rglob("*"):
        seconds = time.time() + chance.uniform(-TEN_YEARS, TEN_YEARS)
        os.utime(path, (seconds, seconds))


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_in_memory() as made:
        write_config(made, NAME)
        yield made


@pytest.mark.parametrize("seed", range(2))
def test_a_run_whose_clock_jumps_by_years_goes_on_bit_equal(folder: Path, seed: int) -> None:
    chance, truths = Random(seed), Truths(folder / RUN, reference(NAME))
    for arguments, call in ((NEW, 140), (AGAIN, 60), (AGAIN, 90)):
        life = live(folder, arguments, Clock(System(folder / MADE, call)))
        assert life.code == -9, life.said
        date_anew(folder / MADE, chance)
        truths.look_at_rest()
    to_the_end(folder, AGAIN, Clock(Nothing()))
    date_anew(folder / MADE, chance)
    truths.look_at_the_end()
    assert end_of(folder / RUN) == reference(NAME).end


def test_a_new_run_asks_the_clock_for_its_name_only(folder: Path) -> None:
    life = live(folder, ("train", "config.yaml", "--quiet", "tensorboard=null"), Clock(Nothing()))
    assert (life.code, life.counted["asked"]) == (0, 1), life.said


@pytest.mark.parametrize("years", [-10, 10])
def test_a_lock_has_no_age(folder: Path, years: int) -> None:
    to_the_end(folder, NEW)
    run, seconds = RunDir(folder / RUN), time.time() + years * 365 * 86_400
    longer = (*AGAIN, "train.epochs=4")
    run.lock()
    try:
        os.utime(run.path / ".lock", (seconds, seconds))
        assert live(folder, longer).code == 75
    finally:
        run.release()
    os.utime(run.path / ".lock", (seconds, seconds))
    assert live(folder, longer).code == 0
