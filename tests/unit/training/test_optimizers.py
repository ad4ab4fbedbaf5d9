"""Optimizers against torch's own, by their slow and plain implementation."""

from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.settings import SettingsError
from dltk.training.optimizers import OPTIMIZERS

DEFAULTS = {
    "gd": (torch.optim.SGD, {"lr": 0.01}),
    "sgd": (torch.optim.SGD, {"lr": 0.01}),
    "adagrad": (torch.optim.Adagrad, {}),
    "adadelta": (torch.optim.Adadelta, {}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "adamax": (torch.optim.Adamax, {}),
    "nadam": (torch.optim.NAdam, {}),
    "radam": (torch.optim.RAdam, {}),
}
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("gd", {"lr": 0.3, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.1}),
    ("sgd", {"lr": 0.1, "momentum": 0.9}),
    ("sgd", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("adagrad", {"lr": 0.1, "lr_decay": 0.2, "initial_accumulator_value": 0.3, "eps": 1e-5, "weight_decay": 0.1}),
    ("adadelta", {"lr": 0.5, "rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}),
    ("rmsprop", {"lr": 0.05, "alpha": 0.5, "momentum": 0.9, "centered": True, "eps": 1e-3, "weight_decay": 0.1}),
    ("adam", {"lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-6, "weight_decay": 0.1}),
    ("adam", {"lr": 0.05, "amsgrad": True}),
    ("adamw", {"weight_decay": 0.3, "amsgrad": True}),
    ("adamax", {"lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-6, "weight_decay": 0.1}),
    ("nadam", {"lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-6, "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("radam", {"lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-6, "weight_decay": 0.1}),
]


def moved(make):
    """Return a parameter after ten steps down a bent valley."""
    parameter = nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    optimizer = make([{"params": [parameter]}])
    for i in range(10):
        optimizer.zero_grad()
        (parameter.square() * torch.tensor([1.0, 5.0, 0.1 * i])).sum().backward()
        optimizer.step()
    return parameter.detach()


def agree(name, options, arguments):
    kind, _ = DEFAULTS[name]
    settings = OPTIMIZERS[name].parse({"name": name, **options})
    plain = moved(lambda parameters: kind(parameters, **arguments, foreach=False))
    torch.testing.assert_close(moved(settings.build), plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_its_defaults_are_torchs(name):
    agree(name, {}, DEFAULTS[name][1])


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_it_moves_as_torchs_own(name, options):
    agree(name, options, {key: tuple(value) if key == "betas" else value for key, value in options.items()})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sgd", {"nesterov": True}, "nesterov: needs momentum; set momentum, such as 0.9, or leave nesterov out"),
        ("sgd", {"dampening": 0.1}, "dampening: needs momentum, and no nesterov; leave dampening out"),
        ("sgd", {"lr": 0}, "lr"),
        ("sgd", {"momentum": 1.0}, "momentum"),
        ("adam", {"betas": [0.9, 1.0]}, "betas"),
        ("adam", {"lr": -1e-3}, "lr"),
        ("adamw", {"weight_decay": -1}, "weight_decay"),
        ("gd", {"clip_norm": 0}, "clip_norm"),
        ("adam", {"clip_norm": 1, "clip_value": 1}, "clip_value: give clip_norm or clip_value, not both"),
        ("adam", {"l1": -1}, "l1"),
        ("adam", {"groups": [{"match": "head.*"}]}, "groups.0.match: the group changes nothing"),
        ("adam", {"groups": [{"match": "a", "lr": 1, "lr_factor": 2}]}, "groups.0.lr_factor: give lr or lr_factor"),
        ("adam", {"groups": [{"match": [], "lr": 1}]}, "groups.0.match"),
    ],
)
def test_impossible_options_are_refused(name, options, message):
    with pytest.raises(SettingsError, match=message):
        OPTIMIZERS[name].parse({"name": name, **options})


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in OPTIMIZERS), *OPTIONS])
def test_it_names_the_moments_and_counters_that_torch_keeps(name, options):
    settings = OPTIMIZERS[name].parse({"name": name, **({"lr": 0.1} | options)})
    parameter = nn.Parameter(torch.ones(3))
    optimizer = settings.build([{"params": [parameter]}])
    parameter.square().sum().backward()
    optimizer.step()
    kept = {key: value for key, value in optimizer.state[parameter].items() if value is not None}
    moments = {key for key, value in kept.items() if value.shape == parameter.shape}
    assert (set(settings.kept_moments), set(settings.counters)) == (moments, kept.keys() - moments)
