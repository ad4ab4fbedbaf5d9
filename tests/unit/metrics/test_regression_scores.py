"""Regression scores agree with scikit-learn, and undefined ones are NaN."""

import math

import pytest
import torch
from sklearn import metrics as reference

from dltk.metrics import regression as metrics


@pytest.fixture
def pairs():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(60, 3, generator=generator) * torch.tensor([1.0, 10.0, 0.1])
    return truth + torch.randn(60, 3, generator=generator) * 0.05, truth


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (metrics.mean_absolute_error, reference.mean_absolute_error),
        (metrics.root_mean_squared_error, reference.root_mean_squared_error),
        (metrics.r_squared, reference.r2_score),
        (metrics.mean_squared_error, reference.mean_squared_error),
        (metrics.median_absolute_error, reference.median_absolute_error),
        (metrics.mean_absolute_percentage_error, reference.mean_absolute_percentage_error),
    ],
)
@pytest.mark.parametrize("count", [60, 59, 2])
def test_scores_are_sklearns(pairs, score, expected, count):
    predicted, truth = (values[:count] for values in pairs)
    wanted = expected(truth.double(), predicted.double(), multioutput="raw_values")
    assert score(predicted, truth).tolist() == pytest.approx(wanted.tolist(), rel=1e-9)


def test_the_largest_error_is_sklearns(pairs):
    predicted, truth = pairs
    wanted = [reference.max_error(truth[:, i].double(), predicted[:, i].double()) for i in range(3)]
    assert metrics.max_error(predicted, truth).tolist() == pytest.approx(wanted)


def test_a_percentage_of_nothing_is_undefined():
    found = metrics.mean_absolute_percentage_error(
        torch.tensor([[1.0, 2.0], [1.0, 2.2]]), torch.tensor([[0.0, 2.0]] * 2)
    )
    assert math.isnan(found[0])
    assert found[1].item() == pytest.approx(0.05)


def test_r_squared_of_a_constant_truth_is_undefined():
    constant = torch.full((7, 1), 0.1)
    assert math.isnan(metrics.r_squared(constant, constant).item())
    assert math.isnan(metrics.r_squared(constant[:1], constant[:1]).item())


def test_scores_of_no_samples_are_undefined():
    empty = torch.empty(0, 2)
    for metric in metrics.METRICS.values():
        assert metric.score(empty, empty).isnan().all()


def test_sums_do_not_lose_small_errors_among_large_numbers():
    truth = torch.full((1000, 1), 1e7)
    assert metrics.mean_absolute_error(truth + 1, truth).item() == 1.0
