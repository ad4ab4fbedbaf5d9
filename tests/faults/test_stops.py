"""Whatever stops a training, and wherever, resumed to its end it has the bits of one that was never stopped."""

import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.training.signals import Stopped
from tests.unit.training.tiny import BATCHES_PER_EPOCH, Killed, Mortal, Trial, bits, record

NUM_STEPS = 3 * BATCHES_PER_EPOCH
REFERENCES: dict[TrainOptions, tuple[str, list[dict[str, object]]]] = {}


def reference(options):
    """Return the bits and the record of a training that nothing stops."""
    if options not in REFERENCES:
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(Path(folder), options)
            REFERENCES[options] = bits(trial.go()[0]), record(trial.metrics)
    return REFERENCES[options]


STOPS = st.tuples(st.integers(1, NUM_STEPS - 1), st.sampled_from(["INT", "TERM", "KILL"]))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(STOPS, min_size=1, max_size=5),
    st.sampled_from([None, 1, 4]),
    st.sampled_from(["epoch", 1, 5]),
)
def test_any_stops_change_no_bit(stops, every_steps, evaluate_every):
    torch.set_num_threads(1)
    options = TrainOptions(epochs=3, evaluate_every=evaluate_every)
    checkpoint = CheckpointOptions(every_seconds=1e6, every_steps=every_steps)
    folder = Path(tempfile.mkdtemp())
    try:
        trial = Trial(folder, options, checkpoint)
        resumed_at = [live(trial, step, kind) for step, kind in stops]
        assume(any(step % BATCHES_PER_EPOCH for step in resumed_at))  # else nothing was stopped in mid-epoch
        learner, _ = trial.go()
        assert (bits(learner), record(trial.metrics)) == reference(options)
    finally:
        shutil.rmtree(folder)


def live(trial, step, kind):
    """Train until a stop comes at a step, if it is not behind already; return where the next life begins."""
    try:
        if kind == "KILL":
            replace(trial, train=Mortal(trial.train, step)).go()
        else:
            replace(trial, signals={step: getattr(signal, f"SIG{kind}")}).go()
    except (Stopped, Killed):
        pass
    last = trial.checkpoints.last()
    return last.step if last else 0


@pytest.mark.parametrize("kind", ["INT", "TERM", "KILL"])
def test_each_kind_of_stop_lands_in_the_middle_of_an_epoch(tmp_path, kind):
    trial = Trial(tmp_path, TrainOptions(epochs=3), CheckpointOptions(every_seconds=1e6, every_steps=4))
    assert live(trial, 9, kind) == {"INT": 10, "TERM": 10, "KILL": 8}[kind]
