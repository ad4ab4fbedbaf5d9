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
    ],
)
def test_scores_are_sklearns(pairs, score, expected):
    predicted, truth = pairs
    wanted = expected(truth.double(), predicted.double(), multioutput="raw_values")
    assert score(predicted, truth).tolist() == pytest.approx(wanted.tolist(), rel=1e-9)


def test_r_squared_of_a_constant_truth_is_undefined():
    constant = torch.full((7, 1), 0.1)
    assert math.isnan(metrics.r_squared(constant, constant).item())
    assert math.isnan(metrics.r_squared(constant[:1], constant[:1]).item())


def test_scores_of_no_samples_are_undefined():
    empty = torch.empty(0, 2)
    for score in (metrics.mean_absolute_error, metrics.root_mean_squared_error, metrics.r_squared):
        assert score(empty, empty).isnan().all()


def test_sums_do_not_lose_small_errors_among_large_numbers():
    truth = torch.full((1000, 1), 1e7)
    assert metrics.mean_absolute_error(truth + 1, truth).item() == 1.0
