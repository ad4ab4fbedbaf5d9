"""The loop: how long it trains, when it evaluates and saves, and that every stop is harmless."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dltk.config.errors import DataError
from dltk.config.sections import TrainOptions
from dltk.data.batches import Batch
from dltk.training.loggers import Screen
from dltk.training.loop import Progress, fit
from dltk.training.schedules import Constant, InverseTime
from dltk.training.signals import Stopped
from tests.unit.training.tiny import Trial, bits, patient, samples

PER_EPOCH = 6


def trained(trial):
    """Train to the end; return the steps of the evaluations and how far it came."""
    progress = trial.go()[1]
    return [row["step"] for row in trial.metrics.rows()], progress


@pytest.mark.parametrize(
    ("options", "evaluated_at", "epoch", "batch"),
    [
        ({"epochs": 2}, [6, 12], 2, 0),
        ({"epochs": 2, "evaluate_every": 4}, [4, 8, 12], 2, 0),
        ({"epochs": 2, "evaluate_every": 5}, [5, 10, 12], 2, 0),
        ({"epochs": 2, "evaluate_every": 100}, [12], 2, 0),
        ({"steps": 8}, [6, 8], 1, 2),
        ({"steps": 12}, [6, 12], 1, 6),
        ({"steps": 7, "evaluate_every": 3}, [3, 6, 7], 1, 1),
        ({"steps": 1}, [1], 0, 1),
        ({"epochs": 0}, [], 0, 0),
        ({"steps": 0}, [], 0, 0),
    ],
)
def test_it_trains_and_evaluates_as_long_as_asked(tmp_path, options, evaluated_at, epoch, batch):
    steps, progress = trained(Trial(tmp_path, TrainOptions(**options), schedule=Constant()))
    assert steps == evaluated_at
    assert (progress.epoch, progress.batch) == (epoch, batch)
    assert progress.step == (evaluated_at or [0])[-1]
    assert progress.step in Trial(tmp_path).steps, "the end is saved"


def test_steps_and_epochs_of_the_same_length_give_the_same_bits(tmp_path):
    by_epochs = Trial(tmp_path / "a", TrainOptions(epochs=2)).go()[0]
    by_steps = Trial(tmp_path / "b", TrainOptions(steps=12)).go()[0]
    assert bits(by_epochs) == bits(by_steps)


def test_how_often_it_evaluates_changes_no_bit(tmp_path):
    rarely = Trial(tmp_path / "a", TrainOptions(epochs=2, evaluate_every=100)).go()[0]
    often = Trial(tmp_path / "b", TrainOptions(epochs=2, evaluate_every=1)).go()[0]
    assert bits(rarely) == bits(often)


def test_train_scores_are_of_the_time_since_the_last_evaluation(tmp_path):
    trial = Trial(tmp_path, TrainOptions(epochs=1, evaluate_every=2), schedule=Constant())
    trial.go()
    every_step = replace(trial, directory=tmp_path / "b", options=TrainOptions(epochs=1, evaluate_every=1))
    every_step.go()
    single = [row["train/loss"] for row in every_step.metrics.rows()]
    sizes = [4, 4, 4, 4, 4, 3]
    for i, row in enumerate(trial.metrics.rows()):
        first, second = 2 * i, 2 * i + 1
        total = single[first] * sizes[first] + single[second] * sizes[second]
        assert row["train/loss"] == pytest.approx(total / (sizes[first] + sizes[second]))


def test_without_a_val_split_nothing_is_watched(tmp_path):
    trial = Trial(tmp_path, val=None)
    trial.go()
    assert [set(row) for row in trial.metrics.rows()] == [{"step", "epoch", "train/loss", "train/lr", "seconds"}] * 3
    last = trial.checkpoints.last()
    assert last is not None
    assert (last.score, last.state()["selection"]["best_step"]) == (None, None)


def test_the_best_weights_are_saved_beside_the_last(tmp_path):
    trial = patient(tmp_path)
    trial.go()
    rows = trial.metrics.rows()
    best = min(rows, key=lambda row: row["val/mse"])
    last = trial.checkpoints.last()
    assert last is not None
    assert best["step"] < last.step, "else the test shows nothing"
    saved = trial.checkpoints.best(last.state()["selection"]["best_step"])
    assert saved is not None
    assert (saved.step, saved.score, saved.resumable) == (best["step"], best["val/mse"], False)
    upto = replace(trial, directory=tmp_path / "b", options=TrainOptions(steps=best["step"]), patience=None)
    expected = upto.go()[0].inference_model().state_dict()
    assert all(tensor.equal(expected[name]) for name, tensor in saved.weights().items())


class Stream:
    """Batches of unknown length, some epochs of which may be empty."""

    num_samples = None
    num_batches = None

    def __init__(self, *lengths):
        self.lengths = lengths

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        length = self.lengths[min(number, len(self.lengths) - 1)]
        return iter(list(samples().epoch(number))[start:length])


def test_a_stream_of_unknown_length_is_trained_on(tmp_path):
    trial = Trial(tmp_path, TrainOptions(epochs=2), schedule=InverseTime(decay=0.1), train=Stream(3, 5))
    assert trained(trial)[0] == [3, 8]


@pytest.mark.parametrize("stream", [Stream(0), Stream(3, 0)])
def test_an_epoch_without_batches_is_refused(tmp_path, stream):
    with pytest.raises(DataError, match="the training data gave no batch at all"):
        Trial(tmp_path, schedule=Constant(), train=stream).go()


def test_progress_counts_from_zero():
    assert Progress() == Progress(epoch=0, batch=0, step=0, scores={}, evaluated_at=-1)
    assert issubclass(Stopped, Exception)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"epochs": 3}, [1, 2, 3]),
        ({"epochs": 125}, [1, *range(2, 125, 2), 125]),
        ({"epochs": 1, "evaluate_every": 1}, [1] * 6),
    ],
)
def test_of_many_epochs_some_are_told_and_all_are_recorded(tmp_path, capsys, options, told):
    trial = Trial(tmp_path, TrainOptions(**options), schedule=Constant(), screen=Screen(bar=False))
    trial.go()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch ")]
    assert [int(line.split()[1].split("/")[0]) for line in lines] == told
    assert len(trial.metrics.rows()) == (options["epochs"] if "evaluate_every" not in options else PER_EPOCH)


def test_a_run_that_ended_with_an_epoch_is_not_evaluated_twice_when_it_goes_on(tmp_path):
    Trial(tmp_path / "a", TrainOptions(steps=PER_EPOCH), schedule=Constant()).go()
    longer = Trial(tmp_path / "a", TrainOptions(steps=2 * PER_EPOCH), schedule=Constant())
    assert trained(longer)[0] == [6, 12]
    whole = Trial(tmp_path / "b", TrainOptions(steps=2 * PER_EPOCH), schedule=Constant())
    assert bits(longer.go()[0]) == bits(whole.go()[0])


def test_a_signal_that_comes_while_it_is_asked_what_is_due_stops_the_next_step_saved(tmp_path):
    trial = Trial(tmp_path)
    fitting = trial.fitting()

    class Sudden:
        """The checkpoints, and a signal at the third question whether one is due."""

        asked = 0

        def __getattr__(self, name):
            return getattr(fitting.checkpoints, name)

        def due(self, step):
            self.asked += 1
            if self.asked == 3:
                fitting.stop.take(signal.SIGTERM, None)
            return False

    checkpoints: Any = Sudden()
    with pytest.raises(Stopped):
        fit(replace(fitting, checkpoints=checkpoints), Progress())
    assert trial.steps == [4]
