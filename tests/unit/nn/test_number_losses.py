"""Losses of numbers have their textbook values."""

import math

import pytest
import torch

from dltk.nn.number_losses import number_losses

OFF = torch.tensor([[0.5], [-3.0]]), torch.zeros(2, 1)


@pytest.mark.parametrize(
    ("name", "delta", "expected"),
    [
        ("mse", 1.0, (0.25 + 9) / 2),
        ("mae", 1.0, 3.5 / 2),
        ("huber", 1.0, (0.125 + 2.5) / 2),
        ("huber", 2.0, (0.125 + 2 * (3 - 1)) / 2),
        ("log_cosh", 1.0, (math.log(math.cosh(0.5)) + math.log(math.cosh(3))) / 2),
    ],
)
def test_a_loss_is_its_formula(name, delta, expected):
    assert number_losses(delta)[name].mean(*OFF).item() == pytest.approx(expected)


def test_log_cosh_does_not_overflow_and_is_flat_at_zero():
    loss = number_losses()["log_cosh"].mean
    assert loss(torch.tensor([[1e6]]), torch.zeros(1, 1)).item() == pytest.approx(1e6 - math.log(2))
    x = torch.zeros(1, 1, requires_grad=True)
    loss(x, torch.zeros(1, 1)).backward()
    assert x.grad is not None
    assert x.grad.item() == 0
