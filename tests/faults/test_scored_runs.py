"""A signal or the time limit ends a run soon while it scores val or test; it scores anew, and no bit is another one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dltk.data.batches import Batch, InMemory
from dltk.data.plans import in_order
from tests.endings import end_of, log, status
from tests.faults.experiments import reference, write_config
from tests.faults.lives import AGAIN, NEW, RUN, folder_in_memory, live, tell, to_the_end
from tests.faults.truths import Truths

NAME = "scored"
EVALUATIONS, BATCHES_EACH = 4, 4
VAL_BATCHES_OF_RUN = EVALUATIONS * BATCHES_EACH
BATCHES = VAL_BATCHES_OF_RUN + 2 * BATCHES_EACH  # val is scored once more at the end, then test


LIMITED = ("--max-time", "30m")


class AtBatch:
    """Signals that come, or hours that go by, while the N-th batch that a life scores is made, which may take long."""

    def __init__(self, number: int, signals: Sequence[int] = (), *, hours: int = 0, seconds: int = 0) -> None:
        self.number, self.signals, self.hours, self.seconds, self.scored = number, signals, hours, seconds, 0

    def arm(self) -> None:
        epoch, fault = InMemory.epoch, self

        def interrupted(batches: InMemory, number: int, *, start: int = 0) -> Iterator[Batch]:
            for batch in epoch(batches, number, start=start):
                if batches.loading.plan is in_order:  # as it is scored
                    fault.scored += 1
                    if fault.scored == fault.number:
                        fault.come()
                yield batch

        InMemory.epoch = interrupted  # type: ignore[assignment, method-assign]

    def come(self) -> None:
        now, hours = time.monotonic, self.hours
        time.monotonic = lambda: now() + 3600 * hours
        for one in self.signals:
            os.kill(os.getpid(), one)
        time.sleep(self.seconds)

    def disarm(self) -> dict[str, int]:
        return {"scored": self.scored}


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_in_memory() as made:
        write_config(made, NAME)
        yield made


def stopped_at(folder: Path, number: int) -> None:
    """Stop a run at a batch it scores, stop and kill what goes on while it scores that anew, and go on to the end."""
    truths = Truths(folder / RUN, reference(NAME))
    first = live(folder, NEW, AtBatch(number, [signal.SIGTERM]))
    assert (first.code, first.counted["scored"]) == (143, number), first.said
    assert (status(folder / RUN)["state"], status(folder / RUN)["code"]) == ("stopped", 143)
    seen = max(found.step for found in truths.look_at_rest())
    second = live(folder, AGAIN, AtBatch(1, [signal.SIGINT]))
    assert (second.code, second.counted["scored"]) == (130, 1), second.said
    assert f"resumed at step {seen} " in log(folder / RUN)
    truths.look_at_rest()
    assert live(folder, AGAIN, AtBatch(2, [signal.SIGKILL])).code == -signal.SIGKILL
    truths.look_at_rest()
    last = to_the_end(folder, AGAIN, AtBatch(0))
    before = min((number - 1) // BATCHES_EACH, EVALUATIONS) * BATCHES_EACH
    assert last.counted["scored"] == BATCHES - before, "it goes on with what was cut short"
    truths.look_at_the_end()
    assert end_of(folder / RUN) == reference(NAME).end


def out_of_time_at(folder: Path, number: int) -> None:
    """Let the time of a run be over at a batch it scores, and again when that is scored anew; go on to the end."""
    truths = Truths(folder / RUN, reference(NAME))
    first = live(folder, (*NEW, *LIMITED), AtBatch(number, hours=1))
    assert (first.code, first.counted["scored"]) == (0, number), first.said
    assert (status(folder / RUN)["state"], status(folder / RUN)["code"]) == ("stopped", 0)
    truths.look_at_rest()
    second = live(folder, (*AGAIN, *LIMITED), AtBatch(1, hours=1))
    rest = BATCHES_EACH if number <= VAL_BATCHES_OF_RUN else BATCHES - VAL_BATCHES_OF_RUN
    assert (second.code, second.counted["scored"]) == (0, rest), "what a life begins with is finished"
    truths.look_at_rest()
    to_the_end(folder)
    truths.look_at_the_end()
    assert end_of(folder / RUN) == reference(NAME).end


@pytest.mark.parametrize("number", [1, VAL_BATCHES_OF_RUN - 5, VAL_BATCHES_OF_RUN, BATCHES - 6, BATCHES])
def test_a_signal_while_a_run_scores_val_or_test_ends_it_soon_and_it_goes_on_bit_equal(
    folder: Path, number: int
) -> None:
    stopped_at(folder, number)


def test_a_batch_that_is_scored_for_longer_than_the_grace_is_not_waited_for(folder: Path) -> None:
    begun = time.monotonic()
    life = live(folder, (*NEW, "--grace", "1s"), AtBatch(BATCHES_EACH + 2, [signal.SIGTERM], seconds=600))
    assert time.monotonic() - begun < 300
    assert life.code == 143
    assert "stopped by SIGTERM; nothing was saved after step" in life.said
    to_the_end(folder)
    assert end_of(folder / RUN) == reference(NAME).end


@pytest.mark.parametrize("number", [2, VAL_BATCHES_OF_RUN, BATCHES])
def test_a_time_limit_that_ends_while_a_run_scores_ends_it_soon_and_it_goes_on_bit_equal(
    folder: Path, number: int
) -> None:
    out_of_time_at(folder, number)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_signal_at_any_batch_that_a_run_scores_ends_it_soon_and_it_goes_on_bit_equal() -> None:
    for number in range(1, BATCHES + 1):
        with folder_in_memory() as made:
            write_config(made, NAME)
            stopped_at(made, number)
    tell(f"{BATCHES} batches, each with SIGTERM, SIGINT and SIGKILL: bit-equal")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_time_limit_that_ends_at_any_batch_that_a_run_scores_ends_it_soon_and_it_goes_on_bit_equal() -> None:
    for number in range(1, BATCHES + 1):
        with folder_in_memory() as made:
            write_config(made, NAME)
            out_of_time_at(made, number)
    tell(f"{BATCHES} batches, each with a time limit that ends there and where it is scored anew: bit-equal")
