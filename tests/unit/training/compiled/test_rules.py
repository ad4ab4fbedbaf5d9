"""Rules move parameters as torch's optimizers do."""

import pytest
import torch
from torch import nn

from dltk.training.compiled.rules import Moments, rule_of
from dltk.training.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop
from dltk.training.updates.parameter_groups import ParameterGroup

RULED = [
    Adam(lr=0.05),
    Adam(lr=0.05, betas=(0.8, 0.99), weight_decay=0.1, eps=1e-4),
    AdamW(lr=0.05, weight_decay=0.2),
    SGD(lr=0.1),
    SGD(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
    SGD(lr=0.1, momentum=0.9, nesterov=True),
    RMSprop(lr=0.05),
    RMSprop(lr=0.05, momentum=0.8, centered=True, alpha=0.9, weight_decay=0.1),
]


@pytest.mark.parametrize("options", RULED, ids=str)
def test_updates_are_those_of_torch(options):
    generator = torch.Generator().manual_seed(0)
    parameter = nn.Parameter(torch.randn(50, generator=generator))
    optimizer = options.build([{"params": [parameter], "lr": options.lr}])
    rule = rule_of(options)
    assert rule is not None
    places = parameter.detach().clone()
    moments: Moments = {}
    for number in range(1, 8):
        parameter.grad = torch.randn(50, generator=generator)
        rate = options.lr / number
        optimizer.param_groups[0]["lr"] = rate
        if number > 1:
            numbers = torch.tensor(rule.pace(rate, number)).unbind()
            places, moments = rule.move(places, parameter.grad, moments, numbers)
        optimizer.step()
        if number == 1:  # torch makes the moments
            places = parameter.detach().clone()
            moments = {name: optimizer.state[parameter][name].clone() for name in rule.moments}
        torch.testing.assert_close(places, parameter.detach(), rtol=2e-6, atol=1e-6)
    assert moments.keys() == set(rule.moments)


@pytest.mark.parametrize(
    "options",
    [
        Adam(amsgrad=True),
        Adam(clip_norm=1.0),
        SGD(clip_value=1.0),
        AdamW(l1=0.1),
        SGD(l2=0.1),
        Adam(groups=(ParameterGroup(match="*", lr=0.1),)),
        *(kind.parse({}) for name, kind in OPTIMIZERS.items() if name not in {"adam", "adamw", "sgd", "rmsprop"}),
    ],
    ids=str,
)
def test_what_has_no_rule_is_left_to_torch(options):
    assert rule_of(options) is None
