"""Weights lie with their channels last where images are convolved, and nothing but their order in memory changes."""

import pytest
import torch
from torch import nn

from dltk.experiment.layout import laid_out, layout_of


class Flattening(nn.Module):
    """A user's own model: `view` needs contiguous memory."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x).view(len(x), -1)


def convolutional():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))


@pytest.mark.parametrize(
    ("model", "layout"),
    [
        (convolutional(), "channels_last"),
        (nn.Sequential(nn.Linear(3, 4), nn.ConvTranspose2d(3, 4, 3)), "channels_last"),
        (nn.Linear(3, 4), "contiguous"),
        (nn.Sequential(nn.Conv1d(3, 4, 3)), "contiguous"),
        (Flattening(), "contiguous"),
        (nn.Sequential(Flattening()), "contiguous"),
    ],
)
def test_the_layout_follows_from_what_the_model_consists_of(model, layout):
    assert layout_of(model) == layout
    laid_out(model)
    assert layout_of(model) == layout, "it is the same for a resumed run"


def test_outputs_and_gradients_stay_the_same():
    plain, other = convolutional(), laid_out(convolutional())
    x = torch.randn(5, 3, 6, 6)
    assert next(other.parameters()).is_contiguous(memory_format=torch.channels_last)
    assert plain.state_dict().keys() == other.state_dict().keys()
    for model in (plain, other):
        model(x).square().sum().backward()
    torch.testing.assert_close(plain(x), other(x))
    for one, two in zip(plain.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-4, atol=1e-4)


def test_a_users_own_model_runs():
    assert laid_out(Flattening())(torch.randn(2, 3, 5, 5)).shape == (2, 36)
