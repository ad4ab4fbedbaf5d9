"""A signal or the time limit ends an evaluation soon; whoever goes on evaluates anew, and no bit is another one."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.data.batches import Batch, InMemory
from dltk.training.loop import Fitting
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.schedules import Plateau
from dltk.training.signals import Limits, Stopped, StopRequest
from tests.unit.training.tiny import BATCHES_PER_EPOCH, Killed, Trial, bits, record, samples

NUM_EPOCHS = 3
VAL_BATCHES = 5
PLANS: dict[str, TrainOptions] = {
    "every epoch": TrainOptions(epochs=NUM_EPOCHS),
    "every step": TrainOptions(epochs=NUM_EPOCHS, evaluate_every=1),
    "every 4 steps": TrainOptions(epochs=NUM_EPOCHS, evaluate_every=4),
    "at the end of 7 steps": TrainOptions(steps=7),
}
NAMES = {"INT": signal.SIGINT, "TERM": signal.SIGTERM}
KINDS = [*NAMES, "LATE", "KILL"]
"""What comes during an evaluation; LATE: the time limit."""


@dataclass
class Disturbed:
    """Val batches: while the N-th of a life is made something comes.

    Attributes:
        asked: How many were asked for in this life.
        begun: In how many evaluations.
    """

    batches: InMemory
    number: int
    come: Callable[[], None]
    asked: int = 0
    begun: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        self.begun += 1
        for batch in self.batches.epoch(number, start=start):
            self.asked += 1
            if self.asked == self.number:
                self.come()
            yield batch


def trial_of(folder: Path, plan: str, every_steps: int | None = None) -> Trial:
    """Return a training whose optimizer, schedule, scores and patience all depend on its evaluations."""
    return Trial(
        folder,
        PLANS[plan],
        CheckpointOptions(every_seconds=1e6, every_steps=every_steps),
        optimizer=SGD(lr=0.5, momentum=0.9, clip_norm=0.5),
        schedule=Plateau(patience=0, monitor="val/mse"),
        updates=OptimizationSettings(directions={"val/mse": "min"}),
        patience=4,
        val=samples(2 * VAL_BATCHES, 2, seed=2),
    )


def disturbed(trial: Trial, number: int, kind: str) -> tuple[Fitting, Disturbed]:
    """Return what trains, during whose N-th val batch something of a kind comes."""
    fitting = trial.fitting()

    def come() -> None:
        if kind == "KILL":
            raise Killed
        if kind == "LATE":
            fitting.stop._deadline = 0.0
        else:
            fitting.stop.take(NAMES[kind], None)

    val = Disturbed(trial.val, number, come)
    return replace(fitting, splits=replace(fitting.splits, val=val)), val


def end_of_trial(trial: Trial, fitting: Fitting | None = None) -> tuple[Any, ...]:
    """Train to the end; return everything that must be the same."""
    learner, progress = trial.go_on(fitting or trial.fitting())
    last = trial.checkpoints.last()
    assert last is not None
    state = {key: value for key, value in last.state().items() if not key.startswith("metrics_")}
    return bits(learner), record(trial.metrics), repr(state), progress


REFERENCES: dict[str, tuple[Any, ...]] = {}


def expected(plan: str) -> tuple[Any, ...]:
    """Return what a training that nothing stops ends with."""
    if plan not in REFERENCES:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as folder:
            REFERENCES[plan] = end_of_trial(trial_of(Path(folder), plan))
    return REFERENCES[plan]


def test_the_reference_depends_on_its_evaluations() -> None:
    rows = expected("every epoch")[1]
    assert len({row["train/lr"] for row in rows}) > 1
    assert all("train/grad_norm" in row for row in rows)


def stopped_in_each_evaluation(folder: Path, plan: str, kind: str, batches: Sequence[int]) -> None:
    """Stop a training at one batch of each of its evaluations, and at the next of these batches in the next one."""
    for evaluation in range(len(expected(plan)[1])):
        trial = trial_of(folder / str(evaluation), plan)
        number = evaluation * VAL_BATCHES + batches[evaluation % len(batches)]
        fitting, val = disturbed(trial, number, kind)
        with pytest.raises((Stopped, Killed)):
            trial.go_on(fitting)
        assert val.asked == number, "nothing more is scored"
        assert len(trial.metrics.rows()) == evaluation, "an evaluation that was cut short is not recorded"
        if kind != "KILL":
            last = trial.checkpoints.last()
            assert last is not None
            assert last.step == expected(plan)[1][evaluation]["step"], "what was learned is saved"
        assert end_of_trial(trial) == expected(plan)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("kind", ["TERM", "LATE", "KILL"])
def test_a_stop_in_any_evaluation_changes_no_bit(tmp_path: Path, plan: str, kind: str) -> None:
    stopped_in_each_evaluation(tmp_path, plan, kind, [1, VAL_BATCHES, 3, 2])


@pytest.mark.slow
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("batch", range(1, VAL_BATCHES + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_at_any_batch_of_any_evaluation_changes_no_bit(tmp_path: Path, plan: str, batch: int, kind: str) -> None:
    stopped_in_each_evaluation(tmp_path, plan, kind, [batch])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(1, 3 * VAL_BATCHES), st.sampled_from(KINDS)), min_size=2, max_size=6),
    st.sampled_from(list(PLANS)),
    st.sampled_from([None, 1, 4]),
)
def test_any_stops_of_evaluations_change_no_bit(
    stops: Sequence[tuple[int, str]], plan: str, every_steps: int | None
) -> None:
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp())
    try:
        trial = trial_of(folder, plan, every_steps)
        for number, kind in stops:
            fitting, val = disturbed(trial, number, kind)
            try:
                trial.go_on(fitting)
            except (Stopped, Killed):
                assert val.asked == number
        assert end_of_trial(trial)[:2] == expected(plan)[:2]
    finally:
        shutil.rmtree(folder)


def test_who_goes_on_begins_with_the_evaluation_that_was_cut_short(tmp_path: Path) -> None:
    trial = trial_of(tmp_path, "every epoch")
    with pytest.raises(Stopped):
        trial.go_on(disturbed(trial, 2, "TERM")[0])
    fitting, val = disturbed(trial, VAL_BATCHES, "KILL")
    with pytest.raises(Killed):
        trial.go_on(fitting)
    assert val.begun == 1
    last = trial.checkpoints.last()
    assert last is not None
    assert last.step == BATCHES_PER_EPOCH


@pytest.mark.parametrize("plan", PLANS)
def test_a_time_limit_below_every_step_and_evaluation_lets_a_run_get_on_bit_equal(tmp_path: Path, plan: str) -> None:
    trial = trial_of(tmp_path, plan)

    def out_of_time() -> Fitting:
        return replace(trial.fitting(), stop=StopRequest(Limits(deadline=0.0)))

    for life in range(1, expected(plan)[3].step + 1):
        with pytest.raises(Stopped) as stopped:
            trial.go_on(out_of_time())
        assert (stopped.value.code, trial.steps[-1]) == (0, life), "each life does a step"
    assert end_of_trial(trial, out_of_time()) == expected(plan)
