"""LossTask: means over samples, decoded predictions, and what it cannot answer."""

import pytest
import torch
from torch import Tensor, nn

from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns
from dltk.data.specs import Numbers, Spec, Vector
from dltk.data.splits import Splits
from dltk.data.tensors import TensorPreparation
from dltk.training.loss_task import LossTask
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import OPTIMIZERS
from dltk.training.session import Session
from dltk.training.task import CannotAnswer, Request

X = torch.tensor([[0.0], [1.0], [2.0], [5.0], [9.0]])


def absolute(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets).abs().sum(1)


def spell(predictions: Tensor) -> list[dict[str, float]]:
    return [{"y": value} for value in predictions.flatten().tolist()]


def doubled(outputs: Tensor) -> Tensor:
    return 2 * outputs


def median(targets: Tensor) -> Tensor:
    return targets.quantile(0.5, dim=0)


TASK = LossTask("distance", absolute, spell, doubled, median)


def batches(x: Tensor = X, batch_size: int = 2) -> InMemory:
    return InMemory({"x": x}, {"y": 3 * x}, Loading(batch_size))


def splits() -> Splits:
    def no_files(path: str) -> Columns:
        raise AssertionError(path)

    spec = Spec({"x": Vector(1)}, {"y": Numbers(("y",))})
    return Splits(batches(), None, batches(X[3:]), TensorPreparation(spec, no_files, {}))


def test_the_score_is_the_mean_over_samples_not_over_batches() -> None:
    evaluation = TASK.evaluate(nn.Identity(), batches(batch_size=3))
    assert evaluation.scores == {"distance": pytest.approx(X.mean().item())}  # |2x - 3x|
    assert evaluation.num_samples == len(X)


def test_the_score_is_what_the_task_declares() -> None:
    assert dict(TASK.scores) == {"distance": "min"}


def test_each_input_is_answered_with_the_row_of_its_decoded_prediction() -> None:
    assert list(TASK.answer(nn.Identity(), batches(), Request())) == [[{"y": 2 * x}] for x in X.flatten().tolist()]


@pytest.mark.parametrize("request_", [Request(count=1), Request(steps=1), Request(top=1)])
def test_other_requests_are_refused(request_: Request) -> None:
    with pytest.raises(CannotAnswer, match="answers named inputs"):
        TASK.answer(nn.Identity(), batches(), request_)
    with pytest.raises(CannotAnswer):
        TASK.answer(nn.Identity(), None, Request())


def test_the_baseline_is_fitted_on_the_training_split_and_scored_on_the_test_split() -> None:
    (evaluation,) = TASK.baselines(splits()).values()
    assert evaluation.scores == {"distance": pytest.approx(((15 - 6) + (27 - 6)) / 2)}  # the training median is 6
    assert evaluation.num_samples == 2


def test_without_a_constant_there_is_no_baseline() -> None:
    assert LossTask("distance", absolute, spell).baselines(splits()) == {}


def test_it_learns_by_gradients() -> None:
    model = nn.Linear(1, 1)
    settings = OptimizationSettings({"": OPTIMIZERS["adam"].parse({"lr": 0.1})}, {})
    learner = TASK.learner(model, settings, Session(0, torch.device("cpu"), None))
    before = TASK.evaluate(model, batches()).scores["distance"]
    for number in range(20):
        list(learner.epoch(batches().epoch(number)))
    assert TASK.evaluate(model, batches()).scores["distance"] < before / 2
