"""Steps that cannot be compiled are named, and where a call ends."""

import pytest
import torch
from torch import nn

from dltk.training.compiled import machine_code
from dltk.training.compiled.obstacles import CannotCompile, obstacle, obstacle_in
from dltk.training.compiled.steps import Stops
from dltk.training.learner import GradientLearner
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import GD, Adam
from dltk.training.session import Session
from tests.unit.training.tiny import CPU, samples


def compiled(model, loss, settings=None):
    settings = settings or OptimizationSettings()
    learner = GradientLearner(model, loss, settings, Session(0, CPU, 10, 6))
    learner.compile([next(samples().epoch(0))], 6, (), "")


class Alternating:
    """A loss that is another one every second time."""

    def __init__(self):
        self.calls = 0

    def __call__(self, model, batch):
        self.calls += 1
        return squares(model, batch) * (1 + self.calls % 2)


def squares(model, batch):
    return (model(batch.inputs) - batch.targets).square().mean()


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (lambda model, batch: squares(model, batch) * torch.rand(()), "draws at random"),
        (lambda model, batch: squares(model, batch).mul_(2), "changes tensors in place"),
        (lambda model, batch: squares(model, batch) * squares(model, batch).item(), "cannot be traced"),
        (Alternating(), "not the same from one call to the next"),
        (lambda model, batch: (batch.inputs @ model.weight.t()).mean(), "cannot be made"),
    ],
)
def test_a_loss_that_no_graph_repeats_is_refused(loss, reason):
    with pytest.raises(CannotCompile, match=reason):
        compiled(nn.Linear(3, 1), loss)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [(nn.Dropout(0.1), "the layer 1 draws at random"), (nn.BatchNorm1d(3), "the layer 1 keeps statistics")],
)
def test_layers_that_draw_or_count_are_named(layer, reason):
    model = nn.Sequential(nn.Linear(3, 3), layer)
    assert obstacle_in(model).startswith(reason)
    with pytest.raises(CannotCompile, match=reason):
        compiled(model, squares)
    assert obstacle_in(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.0))) == ""


@pytest.mark.parametrize(
    ("settings", "processes", "reason"),
    [
        (OptimizationSettings(), 2, "several processes"),
        (OptimizationSettings(precision="bf16"), 1, "precision bf16"),
        (OptimizationSettings(accumulate=2), 1, "several batches"),
        (OptimizationSettings({"": GD()}), 1, "several batches"),
        (OptimizationSettings(ema=0.9), 1, "average"),
        (OptimizationSettings({"": Adam(clip_norm=1.0)}), 1, "optimizer adam with these options"),
        (OptimizationSettings(precision="fp32"), 1, ""),
    ],
)
def test_settings_that_are_not_compiled_are_named(settings, processes, reason):
    assert (reason in obstacle(settings, processes)) if reason else obstacle(settings, processes) == ""


def test_without_a_compiler_nothing_is_compiled(monkeypatch):
    monkeypatch.setenv("CXX", "a-compiler-that-is-not-there")
    assert machine_code.compiler() is None
    with pytest.raises(CannotCompile, match=r"no C\+\+ compiler"):
        compiled(nn.Linear(3, 1), squares)


@pytest.mark.parametrize(
    ("stops", "step", "expected"),
    [
        (Stops(), 5, None),
        (Stops(9), 5, 9),
        (Stops(9), 9, None),
        (Stops(9, (4,)), 3, 4),
        (Stops(9, (4, 3)), 4, 6),
        (Stops(9, (4,)), 8, 9),
    ],
)
def test_the_next_stop_is_the_nearest_one(stops, step, expected):
    assert stops.next(step) == expected
