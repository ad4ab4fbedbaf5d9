"""Quantile regression: its loss, its coverage, what it learns."""

from typing import Any

import pytest
import torch
from sklearn.metrics import mean_pinball_loss
from torch import nn

from dltk.config.errors import OptionError
from dltk.data.batches import InMemory, Loading
from dltk.data.plans import shuffled
from dltk.data.specs import Classes, Numbers, Spec, Vector
from dltk.data.splits import Splits
from dltk.tasks import quantile
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import Adam
from dltk.training.session import Session
from dltk.training.task import CannotAnswer, Request

CPU = torch.device("cpu")
TARGET = Numbers(("price",), ("EUR",), means=(50.0,), scales=(10.0,))


def task(share: float = 0.9, target: Numbers = TARGET) -> Any:
    spec = Spec({"x": Vector(1)}, {"y": target})
    preparation: Any = None
    return quantile.build(quantile.Config(share=share), spec, preparation)


def batches(y: torch.Tensor, loading: Loading | None = None) -> InMemory:
    return InMemory({"x": torch.ones(len(y), 1)}, {"y": y}, loading or Loading())


def constant(output: float) -> nn.Linear:
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(0)
        model.bias.fill_(output)
    return model


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_loss_is_that_of_scikit_learn_in_original_units(share):
    y = torch.tensor([[40.0], [55.0], [70.0], [90.0]])
    evaluation = task(share).evaluate(constant(1.0), batches(y))  # 1 stands for 60
    assert evaluation.scores["pinball"] == pytest.approx(mean_pinball_loss(y, torch.full_like(y, 60), alpha=share))
    assert evaluation.scores["coverage"] == 0.5


def test_it_learns_the_quantile_of_what_it_cannot_see():
    y = torch.randn(2000, 1, generator=torch.Generator().manual_seed(0)) * 10 + 50
    one, model = task(), constant(0.0)
    settings = OptimizationSettings({"": Adam(lr=0.05)})
    learner = one.learner(model, settings, Session(0, CPU, None))
    for epoch in range(10):
        list(learner.epoch(batches(y, Loading(64, shuffled(0))).epoch(epoch)))
    assert one.evaluate(model, batches(y)).scores["coverage"] == pytest.approx(0.9, abs=0.02)


def test_the_baseline_is_the_quantile_of_the_training_split():
    train, test = torch.arange(1.0, 101.0)[:, None], torch.arange(51.0, 151.0)[:, None]
    preparation: Any = None
    splits = Splits(batches(train), None, batches(test), preparation)
    (baseline,) = task().baselines(splits).values()
    assert baseline.scores["coverage"] == 0.4  # the bound is 90.1: 51 to 90 of 100
    assert baseline.num_samples == 100


def test_an_answer_names_the_number_and_its_unit():
    answers = task().answer(constant(1.0), batches(torch.zeros(2, 1)), Request())
    assert [list(answer) for answer in answers] == [[{"price [EUR] below": 60.0}]] * 2


def test_it_draws_no_samples():
    with pytest.raises(CannotAnswer, match="named inputs"):
        task().answer(constant(1.0), None, Request(count=3))


def test_classes_have_no_quantile():
    target: Any = Classes(("a", "b"))
    with pytest.raises(OptionError, match="numbers"):
        task(target=target)
