"""Regression learns scaled numbers, and scores and answers in original units."""

import math
from typing import Any

import pytest
import torch
from sklearn import metrics as reference
from torch import nn

from dltk.config.errors import OptionError
from dltk.data.batches import InMemory, Loading
from dltk.data.specs import Classes, Numbers, Spec, Vector
from dltk.tasks.regression import Config, build
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD
from dltk.training.session import Session
from dltk.training.task import CannotAnswer, Request
from tests.fitted import splits_of

NOTHING_FITTED: Any = None
SESSION = Session(0, torch.device("cpu"), None)
PRICE = Numbers(("price",), ("USD",), (100.0,), (20.0,))
BOTH = Numbers(("width", "height"), means=(1.0, 2.0), scales=(3.0, 4.0))


def task_for(target, **options):
    return build(Config.parse(options), Spec({"x": Vector(1)}, {"y": target}), NOTHING_FITTED)


def batches(inputs, targets, batch_size=4):
    return InMemory({"x": inputs}, {"y": targets}, Loading(batch_size))


class Constant(nn.Module):
    def __init__(self, *values):
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))

    def forward(self, inputs):
        return self.values.expand(len(inputs), -1)


def test_scores_are_in_original_units_and_the_loss_on_scaled_numbers():
    truth = torch.tensor([[90.0], [130.0], [150.0]])
    evaluation = task_for(PRICE).evaluate(Constant(1.0), batches(torch.zeros(3, 1), truth, 2))
    predicted = [[120.0]] * 3
    assert evaluation.scores == pytest.approx(
        {
            "mae": reference.mean_absolute_error(truth, predicted),
            "rmse": reference.root_mean_squared_error(truth, predicted),
            "r2": reference.r2_score(truth.double(), predicted),
            "loss": (1.5**2 + 0.5**2 + 1.5**2) / 3,
        }
    )
    assert evaluation.columns["predicted"].tolist() == predicted
    assert list(task_for(PRICE).scores) == ["mae", "rmse", "r2", "loss"]


def test_several_numbers_are_scored_together_and_one_by_one():
    task = task_for(BOTH, metrics=["rmse", "mae"])
    truth = torch.tensor([[2.0, 0.0], [1.0, 8.0]])
    scores = task.evaluate(Constant(0.0, 1.0), batches(torch.zeros(2, 1), truth)).scores
    assert scores["mae/width"] == 0.5
    assert scores["mae/height"] == 4.0
    assert scores["mae"] == 2.25
    assert list(scores) == list(task.scores)
    assert next(iter(task.scores)) == "rmse"


def test_numbers_without_a_scale_are_learned_as_they_are():
    scores = task_for(Numbers(("y",))).evaluate(Constant(2.0), batches(torch.zeros(2, 1), torch.tensor([[1.0], [2.0]])))
    assert scores.scores["mae"] == scores.scores["loss"] == 0.5


@pytest.mark.parametrize(
    ("loss", "expected"), [("mse", (0.25 + 4.0) / 2), ("mae", (0.5 + 2.0) / 2), ("huber", (0.125 + 1.5) / 2)]
)
def test_the_training_loss_is_the_one_asked_for(loss, expected):
    task = task_for(PRICE, loss=loss)
    learner = task.learner(Constant(0.0), OptimizationSettings({"": SGD(lr=1e-9)}), SESSION)
    list(learner.epoch(batches(torch.zeros(2, 1), torch.tensor([[110.0], [140.0]])).epoch(0)))
    assert learner.scores()["loss"] == pytest.approx(expected)


def test_a_line_is_learned_after_an_evaluation_too():
    inputs = torch.linspace(-1, 1, 32)[:, None]
    torch.manual_seed(0)
    model, task, data = nn.Linear(1, 1), task_for(PRICE), batches(inputs, 100 + 30 * inputs)
    learner = task.learner(model, OptimizationSettings({"": SGD(lr=0.3)}), SESSION)
    task.evaluate(model, data)
    for epoch in range(20):
        list(learner.epoch(data.epoch(epoch)))
    assert task.evaluate(model, data).scores["mae"] < 0.1


def test_answers_are_numbers_by_name_with_their_units():
    data = InMemory({"x": torch.zeros(2, 1)}, {}, Loading())
    assert list(task_for(PRICE).answer(Constant(0.5), data, Request())) == [[{"price [USD]": 110.0}]] * 2
    assert next(iter(task_for(BOTH).answer(Constant(1.0, 0.0), data, Request()))) == [{"width": 4.0, "height": 2.0}]


@pytest.mark.parametrize("request_", [Request(count=3), Request(steps=3), Request(top=1)])
def test_other_requests_cannot_be_answered(request_):
    with pytest.raises(CannotAnswer):
        task_for(PRICE).answer(Constant(0.0), batches(torch.zeros(1, 1), torch.zeros(1, 1)), request_)


def test_the_baseline_is_the_training_mean_on_the_reported_split():
    train = batches(torch.zeros(3, 1), torch.tensor([[1.0], [2.0], [6.0]]))
    test = batches(torch.zeros(2, 1), torch.tensor([[3.0], [7.0]]))
    baseline = task_for(Numbers(("y",))).baselines(splits_of(train, test))["mean"]
    assert baseline.scores["mae"] == 2.0
    assert baseline.num_samples == 2


def test_scores_of_a_constant_truth_are_undefined_where_they_are():
    scores = task_for(PRICE).evaluate(Constant(0.0), batches(torch.zeros(2, 1), torch.full((2, 1), 0.1))).scores
    assert math.isnan(scores["r2"])
    assert scores["mae"] > 0


def test_errors_are_drawn():
    task = task_for(BOTH)
    evaluation = task.evaluate(Constant(0.0, 1.0), batches(torch.zeros(9, 1), torch.rand(9, 2)))
    assert len(task.pictures(evaluation)["errors"].axes) == 6


@pytest.mark.parametrize("targets", [{}, {"y": Classes(("a", "b"))}, {"y": PRICE, "z": PRICE}])
def test_data_without_one_target_of_numbers_are_refused(targets):
    with pytest.raises(OptionError):
        build(Config(), Spec({"x": Vector(1)}, targets), NOTHING_FITTED)
