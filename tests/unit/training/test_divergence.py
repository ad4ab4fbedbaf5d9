"""A divergence is explained by training again: the step, the layer and the learning rate."""

import math

import pytest
import torch
from torch import nn

from dltk.config.errors import Diverged
from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.training.divergence import explained, what_is_broken
from dltk.training.loop import Progress, fit
from dltk.training.loss_task import LossTask
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.schedules import Constant, InverseTime, Length, Plateau
from tests.unit.training.tiny import TASK, Trial, samples, squared


class Breaking(nn.Module):
    """Is linear, and turns to NaN in a layer of its own when it is called for the N-th time."""

    def __init__(self, at):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(3, 1), Trap(at)

    def forward(self, x):
        return self.second(self.first(x))


class Trap(nn.Module):
    calls: torch.Tensor

    def __init__(self, at):
        super().__init__()
        self.at = at
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.calls += 1
        return x * math.nan if self.calls == self.at and self.training else x


def explanation(directory, at, **options):
    trial = Trial(directory, TrainOptions(epochs=3), optimizer=SGD(lr=0.01), model=lambda: Breaking(at), **options)
    with pytest.raises(Diverged) as caught:
        trial.go()
    return caught.value


@pytest.mark.parametrize("every_steps", [None, 4])
@pytest.mark.parametrize("at", [1, 5, 9, 18])
def test_step_layer_and_rate_are_named(tmp_path, at, every_steps):
    checkpoint = CheckpointOptions(every_seconds=1e6, every_steps=every_steps)
    schedule = InverseTime(decay=0.5)
    error = explanation(tmp_path, at, schedule=schedule, checkpoint=checkpoint)
    assert error.message == f"training diverged at step {at} (epoch {1 + (at - 1) // 6}): train/loss is nan"
    assert error.where == "the first output that is not finite is that of second"
    assert error.found == f"lr {0.01 * schedule.multiplier(at - 1, Length()):g}"
    last = Trial(tmp_path).steps
    assert error.expected == (
        f"the last checkpoint, step-{last[-1]:08d}, is finite" if last else "there was no checkpoint yet"
    )


def test_a_resumed_run_is_repeated_from_its_checkpoint(tmp_path):
    trial = Trial(tmp_path, optimizer=SGD(lr=0.01), schedule=Constant(), model=lambda: Breaking(10))
    assert trial.stopped(8) == 143
    with pytest.raises(Diverged, match=r"at step 10 \(epoch 2\)") as caught:
        trial.go()
    assert caught.value.expected == "the last checkpoint, step-00000008, is finite"


def test_a_loss_too_large_is_not_blamed_on_a_layer(tmp_path):
    task = LossTask("mse", lambda p, t: squared(p, t) * 1e38 * 1e38, TASK.spell)
    trial = Trial(tmp_path, optimizer=SGD(lr=1e-30), model=lambda: nn.Linear(3, 1), task=task, schedule=Constant())
    with pytest.raises(Diverged) as caught:
        trial.go()
    assert caught.value.where == "every layer's output is finite: the loss or the update is too large"


def test_what_cannot_be_repeated_is_told_as_it_was(tmp_path):
    fitting = Trial(tmp_path).fitting()
    with (
        pytest.raises(Diverged, match="something broke") as caught,
        explained(fitting.learner, fitting.splits.train, fitting.checkpoints, fitting.log.metrics, lambda: 12),
    ):
        raise Diverged("something broke")
    assert (caught.value.message, caught.value.expected) == ("something broke", "there was no checkpoint yet")


def test_what_does_not_break_again_is_told_as_it_was(tmp_path):
    trial = Trial(tmp_path)
    trial.stopped(8)
    fitting = trial.fitting()
    with (
        pytest.raises(Diverged, match="something broke") as caught,
        explained(fitting.learner, fitting.splits.train, fitting.checkpoints, fitting.log.metrics, lambda: 30),
    ):
        raise Diverged("something broke")
    assert (caught.value.message, caught.value.where) == ("something broke", "")


def test_other_errors_pass(tmp_path):
    fitting = Trial(tmp_path).fitting()
    with (
        pytest.raises(KeyError),
        explained(fitting.learner, fitting.splits.train, fitting.checkpoints, fitting.log.metrics, lambda: 0),
    ):
        raise KeyError


def test_looking_for_what_is_broken_changes_no_bit(tmp_path):
    learner = Trial(tmp_path).fitting().learner
    list(learner.epoch(samples().epoch(0)))
    before = repr(learner.state_dict())
    assert what_is_broken(learner, {}) is None
    assert repr(learner.state_dict()) == before
    assert what_is_broken(learner, {"train/loss": math.inf}) == "train/loss is inf"


def test_no_hooks_stay(tmp_path):
    fitting = Trial(tmp_path, schedule=Constant(), model=lambda: Breaking(2)).fitting()
    with pytest.raises(Diverged, match="at step 2"):
        fit(fitting, Progress())
    assert not any(module._forward_hooks for module in fitting.learner.inference_model().modules())


def test_the_weights_that_learn_are_looked_at_where_the_average_is_still_finite(tmp_path):
    learner = Trial(tmp_path, updates=OptimizationSettings(ema=0.9)).fitting().learner
    list(learner.epoch(samples().epoch(0)))
    assert what_is_broken(learner, {}) is None
    with torch.no_grad():
        next(learner.training_model().parameters()).fill_(math.nan)
    assert what_is_broken(learner, {}) == "the learner's average.weights.0.weight is no longer finite"


def test_the_layer_is_found_in_the_model_that_learns(tmp_path):
    error = explanation(tmp_path, 9, schedule=Constant(), updates=OptimizationSettings(ema=0.9))
    assert error.message.startswith("training diverged at step 9 (epoch 2)")
    assert error.where == "the first output that is not finite is that of second"


def test_a_schedule_that_reacted_to_scores_does_so_again(tmp_path):
    schedule = Plateau(factor=0.5, patience=0, threshold=1e6, monitor="val/mse")
    error = explanation(tmp_path, 15, schedule=schedule, updates=OptimizationSettings(directions={"val/mse": "min"}))
    assert error.message.startswith("training diverged at step 15 (epoch 3)")
    assert error.found == "lr 0.005"
