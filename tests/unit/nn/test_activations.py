from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from dltk.nn.activations import ActivationName, make_activation


def slopes(name: ActivationName) -> Tensor:
    x = torch.linspace(-6, 6, 1201, dtype=torch.float64, requires_grad=True)
    make_activation(name).double()(x).sum().backward()
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize("name", get_args(ActivationName))
def test_every_activation_keeps_the_shape_and_is_finite(name):
    x = torch.linspace(-3, 3, 12).reshape(2, 3, 2)
    y = make_activation(name)(x)
    assert y.shape == x.shape
    assert y.isfinite().all()


def test_the_slope_of_sigmoid_is_at_most_a_quarter_at_zero():
    assert slopes("sigmoid").max().item() == pytest.approx(0.25)
    assert slopes("sigmoid").argmax().item() == 600


def test_the_slope_of_tanh_is_at_most_one_at_zero():
    assert slopes("tanh").max().item() == pytest.approx(1.0)
    assert slopes("tanh").argmax().item() == 600


def test_the_slope_of_relu_is_zero_or_one():
    assert set(slopes("relu").tolist()) == {0.0, 1.0}


def test_step_is_one_only_above_zero():
    x = torch.tensor([-2.0, -0.0, 0.0, 1e-30, 3.0])
    assert make_activation("step")(x).tolist() == [0, 0, 0, 1, 1]


def test_the_gradient_of_step_is_zero_everywhere():
    assert slopes("step").abs().max().item() == 0.0


def test_only_prelu_has_a_parameter():
    counts = {name: sum(p.numel() for p in make_activation(name).parameters()) for name in get_args(ActivationName)}
    assert {name for name, count in counts.items() if count} == {"prelu"}
    assert counts["prelu"] == 1


def test_every_call_makes_its_own_activation():
    first, second = make_activation("prelu"), make_activation("prelu")
    assert isinstance(first, nn.PReLU)
    assert first is not second
