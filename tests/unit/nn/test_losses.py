"""Losses have their textbook values."""

import math

import pytest
import torch
from torch.nn import functional as F

from dltk.nn import losses

LOGITS = torch.tensor([[0.1, 0.7, 0.2]], dtype=torch.float64).log()


def test_cross_entropy_of_the_course_is_minus_log_of_the_true_class():
    assert losses.cross_entropy(LOGITS, torch.tensor([1])).item() == pytest.approx(-math.log(0.7))


def test_squared_error_of_the_course_is_a_mean_over_classes():
    assert losses.squared_error_of_probabilities(LOGITS, torch.tensor([1])).item() == pytest.approx(0.14 / 3)


def test_one_output_of_two_classes_is_scored_as_two_outputs_are():
    activation = torch.tensor([[1.3], [-0.4], [0.0]], dtype=torch.float64)
    both = torch.cat([torch.zeros_like(activation), activation], 1)
    targets = torch.tensor([1, 1, 0])
    torch.testing.assert_close(losses.cross_entropy(activation, targets), losses.cross_entropy(both, targets))
    torch.testing.assert_close(
        losses.squared_error_of_probabilities(activation, targets),
        losses.squared_error_of_probabilities(both, targets),
    )
    torch.testing.assert_close(losses.cross_entropy(activation, targets, 0.2), losses.cross_entropy(both, targets, 0.2))


def test_labels_at_once_are_scored_one_by_one_and_averaged():
    outputs, targets = torch.randn(4, 3), torch.randint(0, 2, (4, 3)).float()
    expected = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)
    torch.testing.assert_close(losses.cross_entropy(outputs, targets), expected)


@pytest.mark.parametrize(
    ("activation", "target", "gradient"),
    [(2.0, 1, 0.0), (2.0, 0, 1.0), (-2.0, 0, 0.0), (-2.0, 1, -1.0), (0.0, 0, 0.0), (0.0, 1, -1.0)],
)
def test_the_perceptron_moves_only_where_it_is_wrong_and_a_tie_is_the_first_class(activation, target, gradient):
    a = torch.tensor([[activation]], requires_grad=True)
    losses.perceptron(a, torch.tensor([target])).sum().backward()
    assert a.grad is not None
    assert a.grad.item() == gradient
