"""Whoever looks at a run finds the truth, also while it is written and its process is killed from outside."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from tests.children import Child
from tests.commands import record
from tests.endings import end_of
from tests.faults.experiments import reference, write_config
from tests.faults.lives import AGAIN, RUN, Nothing, folder_in_memory, run_command, tell, to_the_end
from tests.faults.test_resumed import resumed_at
from tests.faults.truths import Truths

LOOK_SECONDS = 0.02
NAME = "averaged"


def observed(folder: Path, truths: Truths, seconds: float) -> None:
    """Look at a life all the time; kill it so many seconds after its first new checkpoint, wherever it is then."""
    with tempfile.NamedTemporaryFile() as heard:
        child = Child(run_command, folder, AGAIN, Nothing(), heard.name)
        assert child.process.pid is not None
        before, kill_at = set(truths.seen), float("inf")
        while child.process.is_alive():
            truths.look()
            if truths.seen > before and kill_at == float("inf"):
                kill_at = time.monotonic() + seconds
            if time.monotonic() >= kill_at:
                os.kill(child.process.pid, signal.SIGKILL)
                break
            time.sleep(LOOK_SECONDS)
        assert child.exit_code() in (0, -signal.SIGKILL), Path(heard.name).read_text()
    truths.look_at_rest()


def shown(run: Path) -> dict[str, dict[int, float]]:
    """Return what TensorBoard's own reader shows: {name: {step: value}}."""
    reader = EventAccumulator(str(run / "tensorboard"), size_guidance={"tensors": 0, "scalars": 0})
    reader.Reload()
    curves: dict[str, dict[int, float]] = {}
    for tag in reader.Tags()["tensors"]:
        events = reader.Tensors(tag)
        assert len({event.step for event in events}) == len(events), f"{tag}: a step is there twice"
        curves[tag] = {event.step: float(tensor_util.make_ndarray(event.tensor_proto)) for event in events}
    for tag in reader.Tags()["scalars"]:
        events = reader.Scalars(tag)
        assert len({event.step for event in events}) == len(events), f"{tag}: a step is there twice"
        curves[tag] = {event.step: event.value for event in events}
    return curves


def recorded(run: Path) -> dict[str, dict[int, Any]]:
    """Return the same of metrics.jsonl."""
    curves: dict[str, dict[int, Any]] = {}
    for row in record(run):
        for name, value in row.items():
            if "/" in name and value is not None:
                curves.setdefault(name, {})[row["step"]] = value
    return curves


def prove(seed: int, num_lives: int) -> Truths:
    expected, chance = reference(NAME), Random(seed)
    with folder_in_memory() as folder:
        write_config(folder, NAME)
        truths = Truths(folder / RUN, expected)
        for _ in range(num_lives):
            observed(folder, truths, chance.uniform(0, 0.15))
        to_the_end(folder)
        truths.look_at_the_end()
        assert end_of(folder / RUN) == expected.end
        curves = shown(folder / RUN)
        for name, curve in recorded(folder / RUN).items():
            assert curves[name] == pytest.approx(curve, rel=1e-6), name
        tell(f"{truths.looks} looks, resumed at", resumed_at(folder / RUN))
        return truths


def test_an_observer_of_a_run_that_is_killed_and_resumed_finds_it_true_at_every_moment() -> None:
    assert prove(seed=0, num_lives=3).looks > 30


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_observers_of_many_such_runs_find_them_true_at_every_moment(seed: int) -> None:
    assert prove(seed, num_lives=6).looks > 60
