"""Optimizers against torch's own, by their slow and plain implementation."""

from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.settings import SettingsError
from dltk.training.optimizers import OPTIMIZERS

CASES = [
    ("sgd", {"lr": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    ("sgd", {"lr": 0.1, "momentum": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (
        "sgd",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    ("adam", {}, torch.optim.Adam, {"lr": 1e-3}),
    (
        "adam",
        {"lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-6, "weight_decay": 0.1},
        torch.optim.Adam,
        {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-6, "weight_decay": 0.1},
    ),
    ("adamw", {}, torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01}),
    ("adamw", {"weight_decay": 0.3}, torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.3}),
]


def moved(make):
    """Return a parameter after ten steps down a bent valley."""
    parameter = nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    optimizer = make([parameter])
    for i in range(10):
        optimizer.zero_grad()
        (parameter.square() * torch.tensor([1.0, 5.0, 0.1 * i])).sum().backward()
        optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize(("name", "options", "theirs", "arguments"), CASES)
def test_it_moves_as_torchs_own(name, options, theirs, arguments):
    settings: Any = OPTIMIZERS[name].parse({"name": name, **options})
    ours = moved(settings.build)
    plain = moved(lambda parameters: theirs(parameters, **arguments, foreach=False, fused=False))
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sgd", {"nesterov": True}, "nesterov: needs momentum; set momentum, such as 0.9, or leave nesterov out"),
        ("sgd", {"lr": 0}, "lr"),
        ("sgd", {"momentum": 1.0}, "momentum"),
        ("adam", {"betas": [0.9, 1.0]}, "betas"),
        ("adam", {"lr": -1e-3}, "lr"),
        ("adamw", {"weight_decay": -1}, "weight_decay"),
    ],
)
def test_impossible_options_are_refused(name, options, message):
    with pytest.raises(SettingsError, match=message):
        OPTIMIZERS[name].parse({"name": name, **options})
