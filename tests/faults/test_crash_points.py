"""Every call by which a run changes its files may be the last of its process, or fail: nothing is lost."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.endings import end_of, log
from tests.faults.experiments import reference, write_config
from tests.faults.lives import AGAIN, MADE, NEW, RUN, folder_in_memory, live, tell, to_the_end
from tests.faults.system import Outcome, System
from tests.faults.truths import Truths

NAME = "short"
KINDS = ("open", "write", "fsync", "close", "mkdir", "rename", "unlink", "rmdir")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE)
CODES = {0, 71, 73, 74}
DELETING = ("unlink", "rmdir", "open", "close")  # folders are opened and closed while they are deleted
QUARTERS = 4


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_in_memory() as made:
        write_config(made, NAME)
        yield made


def points(folder: Path, kind: str = "") -> int:
    """Return how many calls a whole life makes."""
    return to_the_end(folder, NEW, System(folder / MADE, kind=kind)).counted["calls"]


def fresh(folder: Path) -> Path:
    """Return a folder of its own for one try."""
    made = folder / f"try-{len(list(folder.iterdir()))}"
    made.mkdir()
    write_config(made, NAME)
    return made


def killed_twice(folder: Path, number: int, chance: Random) -> str:
    """Kill a run at a call, and once more while it recovers; it goes on bit-equal. Return what was killed."""
    truths = Truths(folder / RUN, reference(NAME))
    first = live(folder, NEW, System(folder / MADE, number))
    truths.look_at_rest()
    second = live(folder, AGAIN, System(folder / MADE, chance.randint(1, 60)))
    truths.look_at_rest()
    to_the_end(folder)
    truths.look_at_the_end()
    assert end_of(folder / RUN) == reference(NAME).end, f"killed at call {number}"
    return f"{first.code} {second.code}"


def prove_kills(folder: Path, choose: Callable[[int], Iterable[int]]) -> Counter[str]:
    """Kill at some of the calls of a life, given how many there are."""
    total, told, chance = points(fresh(folder)), Counter[str](), Random(0)
    for number in choose(total):
        told[killed_twice(fresh(folder), number, chance)] += 1
    tell(f"{total} calls:", dict(told))
    return told


def chosen(total: int, share: float) -> list[int]:
    """Return a share of the numbers from 1 to a total, evenly distributed, the first and the last among them."""
    count = max(2, round(total * share))
    return sorted({1 + round(i * (total - 1) / (count - 1)) for i in range(count)})


def prove_errors(folder: Path, kind: str, share: float) -> Counter[str]:
    """Let a share of the calls of a kind fail, once or for good."""
    told: Counter[str] = Counter()
    total, chance = points(fresh(folder), kind), Random(kind)
    for number in chosen(total, share):
        error, lasts = chance.choice(ERRORS), chance.random() < 0.5
        code = failing(fresh(folder), kind, number, Outcome(error=error, lasts=lasts))
        told[f"{errno.errorcode[error]}{' for good' * lasts}: {code}"] += 1
    tell(f"{kind}, {total} calls:", dict(told))
    return told


def failing(folder: Path, kind: str, number: int, outcome: Outcome) -> int:
    """Let a call of a run fail; nothing is damaged, and it goes on bit-equal. Return the code of the failure."""
    expected = reference(NAME)
    truths = Truths(folder / RUN, expected)
    life = live(folder, NEW, System(folder / MADE, number, outcome, kind))
    where = f"{kind} {number}, {os.strerror(outcome.error)}{', for good' * outcome.lasts}"
    unreadable = {81} if outcome.error == errno.EIO and kind == "open" else set()  # what the disk has lost is damaged
    assert life.code in CODES | unreadable, f"{where}: code {life.code}: {life.said}"
    assert "Traceback" not in life.said
    truths.look_at_rest()
    if life.code == 0:
        assert_same(folder / RUN, where)
    to_the_end(folder)
    truths.look_at_the_end(may_leave=kind in DELETING)  # what cannot be deleted is hidden, and stays
    assert_same(folder / RUN, where)
    return life.code


def assert_same(run: Path, where: str) -> None:
    """Compare a run with one that nothing failed; where the best checkpoint could not be read, which is said, the last
    is used."""
    end, expected = end_of(run), reference(NAME).end
    names = ("weights", "metrics") if "warning[DLTK-WARN-BEST]" in log(run) else tuple(expected)
    assert {name: end[name] for name in names} == {name: expected[name] for name in names}, where


def test_a_run_that_is_killed_before_anything_gets_its_name_goes_on_bit_equal(folder: Path) -> None:
    total = points(fresh(folder), "rename")
    for number in range(1, total + 1):
        place = fresh(folder)
        assert live(place, NEW, System(place / MADE, number, kind="rename")).code == -9
        truths = Truths(place / RUN, reference(NAME))
        truths.look_at_rest()
        to_the_end(place)
        truths.look_at_the_end()
        assert end_of(place / RUN) == reference(NAME).end, f"killed at rename {number}"
    assert total >= 12


def test_a_run_that_is_killed_at_a_call_and_at_another_one_goes_on_bit_equal(folder: Path) -> None:
    told = prove_kills(folder, lambda total: chosen(total, 0.015))
    assert sum(count for codes, count in told.items() if codes.startswith("-9")) >= 4


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rest", range(QUARTERS))
def test_a_run_that_is_killed_at_any_call_goes_on_bit_equal(folder: Path, rest: int) -> None:
    told = prove_kills(folder, lambda total: range(1 + rest, total + 1, QUARTERS))
    assert sum(told.values()) >= 50


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_fails_costs_nothing_that_was_there(folder: Path, kind: str) -> None:
    assert prove_errors(folder, kind, share=0.03)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
def test_any_call_that_fails_costs_nothing_that_was_there(folder: Path, kind: str) -> None:
    assert prove_errors(folder, kind, share=1)
