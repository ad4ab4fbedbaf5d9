"""A disk that fills up, and a limit on the size of files, in the middle of a run: real ones, not made-up errors."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.endings import end_of
from tests.faults.experiments import reference, write_config
from tests.faults.lives import AGAIN, NEW, RUN, Moment, folder_in_memory, live, to_the_end

NAME = "averaged"
PLACE = 0.5
TIMES, GAP = 200, 100
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits of Linux")


@dataclass
class FullDisk:
    """From a moment of training on, a file takes all that is left of the disk, again and again.

    Attributes:
        moment: Sends SIGUSR1, many times, for old checkpoints go and make room.
        ballast: The file.
    """

    moment: Moment
    ballast: Path

    def arm(self) -> None:
        signal.signal(signal.SIGUSR1, self._fill)
        self.moment.arm()

    def disarm(self) -> dict[str, int]:
        return self.moment.disarm()

    def _fill(self, *_: Any) -> None:
        with contextlib.suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 10, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass


@dataclass
class ShortFiles:
    """At a moment of training, no file may grow beyond a few bytes any more, as `ulimit -f` makes it."""

    moment: Moment
    num_bytes: int

    def arm(self) -> None:
        signal.signal(signal.SIGUSR1, self._limit)
        self.moment.arm()

    def disarm(self) -> dict[str, int]:
        return self.moment.disarm()

    def _limit(self, *_: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.num_bytes, self.num_bytes))


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a disk of its own; skip where this user may not."""
    folder = tempfile.mkdtemp()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        Path(folder).rmdir()
        pytest.skip("this user may not mount")
    try:
        yield Path(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        Path(folder).rmdir()


def half_way() -> Moment:
    """Return when half of the training is behind."""
    expected = reference(NAME)
    return Moment(int(PLACE * (expected.ended_at - expected.begun_at)), [signal.SIGUSR1] * TIMES, GAP, of_fit=True)


def test_on_a_disk_that_fills_up_nothing_is_lost_and_with_room_the_run_ends_bit_equal() -> None:
    with small_disk(8) as folder:
        write_config(folder, NAME)
        ballast = folder / "ballast"
        life = live(folder, NEW, FullDisk(half_way(), ballast))
        assert life.code == 74, life.said
        assert "error[DLTK-WRITE]" in life.said
        assert str(folder) in life.said
        assert live(folder, ("verify", RUN)).code == 0
        ballast.unlink()
        assert "resumed at step" in to_the_end(folder, AGAIN[:-1]).said
        assert end_of(folder / RUN) == reference(NAME).end


def test_where_files_may_not_grow_nothing_is_lost_and_without_the_limit_the_run_ends_bit_equal() -> None:
    with folder_in_memory() as folder:
        write_config(folder, NAME)
        life = live(folder, NEW, ShortFiles(half_way(), 1500))
        assert life.code == 74, life.said
        assert live(folder, ("verify", RUN)).code == 0
        to_the_end(folder)
        assert end_of(folder / RUN) == reference(NAME).end
