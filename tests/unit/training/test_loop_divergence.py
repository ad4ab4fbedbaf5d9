"""The loop stops when a loss or a weight is no longer finite, and saves nothing that is broken."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.errors import Diverged
from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.training.loss_task import LossTask
from dltk.training.optimizers import SGD
from dltk.training.schedules import Constant
from tests.unit.training.tiny import TASK, Trial, samples, squared


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


PLAIN: dict[str, Any] = {"schedule": Constant(), "model": linear}


@pytest.mark.parametrize("every_steps", [None, 1])
@pytest.mark.parametrize("lr", [1e30, 1e8, 10.0])
def test_a_diverging_run_names_step_layer_and_rate_and_saves_nothing_broken(tmp_path, lr, every_steps):
    checkpoint = CheckpointOptions(every_seconds=1e6, every_steps=every_steps)
    trial = Trial(tmp_path, TrainOptions(epochs=40), checkpoint=checkpoint, optimizer=SGD(lr=lr), **PLAIN)
    with pytest.raises(Diverged, match=r"training diverged at step \d+ \(epoch \d+\): ") as caught:
        trial.go()
    assert caught.value.code == 80
    assert caught.value.found == f"lr {lr:g}"
    broken_at = int(caught.value.message.split("step ")[1].split()[0])
    for saved in trial.checkpoints.all():
        assert saved.step < broken_at
        assert all(tensor.isfinite().all() for tensor in saved.weights().values())
        assert not saved.resumable or saved.state()["learner"]["scores"]["loss"].isfinite().all()
    assert trial.steps or every_steps is None or broken_at == 1
    assert all(math.isfinite(row["train/loss"]) for row in trial.metrics.rows())


def test_the_first_broken_step_is_the_one_that_a_step_by_step_look_finds(tmp_path):
    trial = Trial(tmp_path, TrainOptions(epochs=40), optimizer=SGD(lr=10.0), **PLAIN)
    with pytest.raises(Diverged) as caught:
        trial.go()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), 10.0, fused=True)
    step, epoch = 0, 0
    while True:
        for batch in samples().epoch(epoch):
            step += 1
            assert isinstance(batch.targets, torch.Tensor)
            loss = squared(model(batch.inputs), batch.targets).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if not all(value.isfinite().all() for value in (loss, *model.parameters())):
                assert f"at step {step} (epoch {epoch + 1})" in caught.value.message
                return
        epoch += 1


def test_a_loss_that_is_infinite_while_weights_are_finite_is_not_saved(tmp_path):
    def losses(predictions, targets):
        return squared(predictions, targets) + torch.where(targets > 0.99, math.inf, 0.0)[:, 0]

    task = LossTask("mse", losses, lambda _: [])
    trial = Trial(tmp_path, checkpoint=CheckpointOptions(every_seconds=1e-9), task=task, **PLAIN)
    with pytest.raises(Diverged, match="train/loss is inf"):
        trial.go()
    for saved in trial.checkpoints.all():
        assert saved.state()["learner"]["scores"]["loss"].isfinite().all()


def test_a_signal_does_not_save_what_is_broken(tmp_path):
    trial = Trial(tmp_path, optimizer=SGD(lr=1e30), **PLAIN)
    with pytest.raises(Diverged):
        trial.stopped(4)
    assert trial.steps == []


def test_undefined_val_scores_are_no_divergence(tmp_path):
    def losses(predictions, targets):
        return squared(predictions, targets) * (math.nan if len(targets) == 9 else 1.0)  # the val split

    trial = Trial(tmp_path, task=LossTask("mse", losses, TASK.spell), **PLAIN)
    trial.go()
    assert [row["val/mse"] for row in trial.metrics.rows()] == [None, None, None]
    last = trial.checkpoints.last()
    assert last is not None
    assert (last.score, last.state()["selection"]["best_step"]) == (None, None)
