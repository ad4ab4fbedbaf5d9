"""One process owns a run, also while it stands still; whoever comes meanwhile is sent away, and takes nothing."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.children import Child
from tests.commands import contents
from tests.endings import end_of
from tests.faults.experiments import reference, write_config
from tests.faults.lives import AGAIN, NEW, RUN, Moment, folder_in_memory, live, run_command, to_the_end

NAME = "patient"
SECONDS = 60
LOCKED = 75

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs to see that a process stands still")


def wait_until_it_stands(process: int) -> None:
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, "it does not stop"
        time.sleep(0.02)


def test_while_its_owner_stands_still_nobody_else_goes_on_and_after_its_death_somebody_does() -> None:
    expected = reference(NAME)
    with folder_in_memory() as folder, tempfile.NamedTemporaryFile() as heard:
        write_config(folder, NAME)
        owner = Child(run_command, folder, NEW, Moment(expected.call(0.4, 0), [signal.SIGSTOP]), heard.name)
        assert owner.process.pid is not None
        try:
            wait_until_it_stands(owner.process.pid)
            before = contents(folder / RUN)
            with ThreadPoolExecutor(2) as others:
                lives = list(others.map(lambda _: live(folder), range(2)))
            assert [life.code for life in lives] == [LOCKED] * 2, lives
            assert contents(folder / RUN) == before
        finally:
            os.kill(owner.process.pid, signal.SIGKILL)
        assert owner.exit_code() == -signal.SIGKILL
        to_the_end(folder)
        assert end_of(folder / RUN) == expected.end


def test_of_processes_that_go_on_at_once_and_are_killed_one_ends_the_run_bit_equal() -> None:
    expected = reference(NAME)
    with folder_in_memory() as folder:
        write_config(folder, NAME)
        assert live(folder, NEW, Moment(expected.call(0.3, 0), [signal.SIGKILL])).code == -signal.SIGKILL
        moments = [expected.call(place, 0) for place in (0.2, 0.4, 0)]
        codes: Counter[int] = Counter()
        with ThreadPoolExecutor(3) as pool:
            for life in pool.map(lambda call: live(folder, AGAIN, Moment(call, [signal.SIGKILL])), moments):
                codes[life.code] += 1
        assert set(codes) <= {0, LOCKED, -signal.SIGKILL}, codes
        to_the_end(folder)
        assert end_of(folder / RUN) == expected.end
