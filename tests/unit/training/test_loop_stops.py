"""The loop stops early, by a signal or by a kill, and goes on as if nothing had happened."""

import shutil
import signal
from dataclasses import replace

import pytest
from torch import nn

from dltk.config.errors import IntegrityError
from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.training.loggers import Screen
from dltk.training.loop import Progress, fit, restore
from dltk.training.schedules import Constant
from tests.unit.training.tiny import BATCHES_PER_EPOCH, Trial, bits, files_in, patient, record


def test_it_stops_early_when_patience_ends(tmp_path):
    trial = patient(tmp_path)
    progress = trial.go()[1]
    steps = [row["step"] for row in trial.metrics.rows()]
    scores = [row["val/mse"] for row in trial.metrics.rows()]
    best = scores.index(min(scores))
    assert progress.epoch < 20
    assert len(steps) == best + 1 + 2
    assert steps[best] in trial.steps, "the best is saved"


def test_patience_survives_a_stop(tmp_path):
    reference = patient(tmp_path / "a")
    expected, progress = reference.go()
    for step in range(progress.step - BATCHES_PER_EPOCH, progress.step + 1):
        trial = patient(tmp_path / str(step))
        assert trial.stopped(step) == 143
        again = trial.go()
        assert (bits(again[0]), again[1]) == (bits(expected), progress)
        assert record(trial.metrics) == record(reference.metrics)


def test_more_patience_lets_a_finished_run_go_on(tmp_path):
    trial = patient(tmp_path)
    end = trial.go()[1]
    longer = replace(trial, patience=4).go()[1]
    assert longer.step > end.step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_stops(tmp_path, number):
    trial = Trial(tmp_path)
    assert trial.stopped(8, number) == 128 + number
    last = trial.checkpoints.last()
    assert last is not None
    assert last.step == 8
    assert last.state()["progress"] | {"scores": None} == {
        "epoch": 1,
        "batch": 2,
        "step": 8,
        "scores": None,
        "evaluated_at": 6,
    }


@pytest.mark.parametrize("evaluate_every", ["epoch", 4])
@pytest.mark.parametrize("step", range(1, 19))
def test_a_stop_at_any_step_changes_no_bit(tmp_path, step, evaluate_every):
    options = TrainOptions(epochs=3, evaluate_every=evaluate_every)
    reference = Trial(tmp_path / "a", options)
    expected, end = reference.go()
    trial = Trial(tmp_path / "b", options)
    assert trial.stopped(step) == 143
    assert step in trial.steps
    learner, progress = trial.go()
    assert bits(learner) == bits(expected)
    assert progress == end
    assert record(trial.metrics) == record(reference.metrics)
    ours, theirs = saved_state(trial), saved_state(reference)
    assert repr(ours) == repr(theirs), "moments, counters, sums and patience"


def saved_state(trial):
    """Return what the last checkpoint holds beside the weights, without what depends on the clock."""
    last = trial.checkpoints.last()
    return {key: value for key, value in last.state().items() if not key.startswith("metrics_")}


def test_what_was_done_after_the_last_checkpoint_is_done_again_and_recorded_once(tmp_path):
    reference = Trial(tmp_path / "a")
    expected = reference.go()[0]
    trial = Trial(tmp_path / "b")
    trial.stopped(8)
    trial.killed(15)
    assert [row["step"] for row in trial.metrics.rows()] == [6, 12]
    with (tmp_path / "b" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 15, "torn')
    assert bits(trial.go()[0]) == bits(expected)
    assert record(trial.metrics) == record(reference.metrics)


def test_a_run_that_is_killed_before_its_first_checkpoint_begins_again(tmp_path):
    reference = Trial(tmp_path / "a")
    expected = reference.go()[0]
    trial = Trial(tmp_path / "b")
    trial.killed(9)
    assert trial.steps == []
    assert bits(trial.go()[0]) == bits(expected)
    assert record(trial.metrics) == record(reference.metrics)


def test_a_resumed_run_saves_when_one_that_was_never_stopped_does(tmp_path):
    trial = Trial(tmp_path, checkpoint=CheckpointOptions(every_seconds=1e6, every_steps=4, keep=100))
    trial.stopped(9)
    trial.go()
    assert [found.step for found in trial.checkpoints.all() if found.resumable] == [18, 16, 12, 9, 8, 4]


def test_what_is_saved_waits_no_longer(tmp_path):
    fitting = Trial(tmp_path).fitting()
    fit(fitting, Progress())
    assert fitting.selection.best_step is not None
    assert fitting.selection.pending is None


def test_a_longer_run_goes_on_where_a_shorter_one_ended(tmp_path):
    whole = Trial(tmp_path / "a", TrainOptions(epochs=3), schedule=Constant())
    expected = whole.go()[0]
    Trial(tmp_path / "b", TrainOptions(epochs=1), schedule=Constant()).go()
    longer = Trial(tmp_path / "b", TrainOptions(epochs=3), schedule=Constant())
    assert bits(longer.go()[0]) == bits(expected)
    assert record(longer.metrics) == record(whole.metrics)


def test_a_finished_run_that_is_resumed_changes_nothing(tmp_path):
    trial = Trial(tmp_path)
    before = bits(trial.go()[0]), trial.metrics.rows(), files_in(tmp_path)
    assert (bits(trial.go()[0]), trial.metrics.rows(), files_in(tmp_path)) == before


def test_a_record_that_lost_rows_is_refused(tmp_path):
    trial = Trial(tmp_path)
    trial.stopped(8)
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(IntegrityError, match=r"metrics\.jsonl has lost rows"):
        trial.go()


def test_weights_of_another_model_are_refused(tmp_path):
    Trial(tmp_path).stopped(8)
    fitting = replace(Trial(tmp_path), model=lambda: nn.Linear(3, 1)).fitting()
    last = fitting.checkpoints.last()
    assert last is not None
    with pytest.raises(IntegrityError, match="not those of this model"):
        restore(fitting, last)


@pytest.mark.parametrize("seconds", [1e-9, 1e6])
def test_how_often_it_saves_changes_no_bit(tmp_path, seconds):
    expected = Trial(tmp_path / "a").go()[0]
    trial = Trial(tmp_path / "b", checkpoint=CheckpointOptions(every_seconds=seconds))
    assert bits(trial.go()[0]) == bits(expected)
    assert trial.steps == ([17, 18] if seconds < 1 else [18])


def test_a_best_checkpoint_that_is_gone_is_chosen_anew(tmp_path, capsys):
    reference = Trial(tmp_path / "reference")
    expected = reference.go()[0]
    trial = Trial(tmp_path / "run", screen=Screen())
    assert trial.stopped(8) == 143
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-00000006")
    learner, _ = trial.go()
    assert (
        "warning[DLTK-WARN-BEST]: the best checkpoint so far (step 6) is gone or damaged; it is chosen anew"
        in capsys.readouterr().err
    )
    last = trial.checkpoints.last()
    assert last is not None
    assert trial.checkpoints.best(last.state()["selection"]["best_step"]) is not None
    assert bits(learner) == bits(expected)
    assert record(trial.metrics) == record(reference.metrics)
