"""Crash equivalence: a run of the command line that is stopped anywhere, again and again, ends as if it never was."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.endings import end_of, log
from tests.faults.experiments import CONFIGS, reference, write_config
from tests.faults.lives import RUN, folder_in_memory, kind_of, live, tell, to_the_end
from tests.faults.truths import Truths

Signals = tuple[int, ...]
KILL, TERM, INT, TWICE = (signal.SIGKILL,), (signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT)
CODES: dict[Signals, set[int]] = {KILL: {-9}, TERM: {143, -signal.SIGTERM}, INT: {130}, TWICE: {130}}
LONG = [name for name in CONFIGS if name not in {"short", "scored"}]
MOST_REJECTED = 0.2
Stop = tuple[float, Signals]


def stopped_again_and_again(name: str, stops: Sequence[Stop], told: Counter[str]) -> bool:
    """Stop a run, resume it to its end, compare; return whether it was stopped where it matters."""
    expected = reference(name)
    with folder_in_memory() as folder:
        write_config(folder, name)
        truths = Truths(folder / RUN, expected)
        for place, kind in stops:
            done = max(truths.seen, default=0)
            life = live(folder, fault=expected.moment(place, done, kind))
            assert life.code in {0, *CODES[kind]}, f"{kind_of(kind)}: code {life.code}: {life.said}"
            told[kind_of(kind) if life.code else "too late"] += 1
            truths.look_at_rest()
        to_the_end(folder)
        told["resumed"] += len(resumed_at(folder / RUN))
        truths.look_at_the_end()
        assert end_of(folder / RUN) == expected.end
        return matters(folder / RUN)


def resumed_at(run: Path) -> list[tuple[int, int]]:
    """Return the step, and the batch in its epoch, at which each life began that did not begin anew."""
    found = re.findall(r"resumed at step (\d+) \(epoch \d+, batch (\d+)\)", log(run))
    return [(int(step), int(batch)) for step, batch in found]


def matters(run: Path) -> bool:
    """Return whether a run went on at three different steps, one of them in mid-epoch: else nothing was tried."""
    points = resumed_at(run)
    return len({step for step, _ in points if step}) >= 3 and any(batch for _, batch in points)


def prove(name: str, seeds: Iterable[int]) -> Counter[str]:
    """Try many schedules of stops; fail where too many of them tried nothing."""
    told: Counter[str] = Counter()
    for seed in seeds:
        stops = schedule(Random(seed))
        told["schedules"] += 1
        told["rejected"] += not stopped_again_and_again(name, stops, told)
    tell(f"{name}:", dict(told))
    assert told["rejected"] <= MOST_REJECTED * told["schedules"], told
    return told


def schedule(chance: Random) -> list[Stop]:
    """Draw up to eight stops, evenly distributed over the run; one in five comes before a life's first step."""
    places = sorted(chance.random() for _ in range(chance.randint(6, 8)))
    kinds = [chance.choice([KILL, KILL, TERM, INT, TWICE]) for _ in places]
    return [(place if chance.random() < 0.8 else -place, kind) for place, kind in zip(places, kinds, strict=True)]


@pytest.mark.parametrize("name", LONG)
def test_stops_at_any_moment_change_no_bit(name: str) -> None:
    told: Counter[str] = Counter()
    schedules = (schedule(Random(seed)) for seed in range(5))
    assert any(stopped_again_and_again(name, stops, told) for stops in schedules), told
    assert told["resumed"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_many_stops_at_any_moment_change_no_bit(name: str) -> None:
    assert prove(name, seeds=range(2, 22))["resumed"] >= 60
