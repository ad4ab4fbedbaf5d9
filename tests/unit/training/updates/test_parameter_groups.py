"""Parameter groups: the first match wins, and patterns that match nothing are refused."""

from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.training.updates.parameter_groups import ParameterGroup, grouped

NAMES = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "head.weight", "head.bias")
PARAMETERS = {name: nn.Parameter(torch.zeros(1)) for name in NAMES}


def of(*groups: dict[str, Any]) -> list[dict[str, Any]]:
    parsed = [ParameterGroup.parse(group) for group in groups]
    found = grouped(PARAMETERS, 0.1, parsed)
    places = {id(parameter): name for name, parameter in PARAMETERS.items()}
    return [{**group, "params": [places[id(parameter)] for parameter in group["params"]]} for group in found]


def test_without_groups_all_parameters_move_at_the_base_rate():
    assert of() == [{"params": list(NAMES), "lr": 0.1}]


def test_the_first_group_that_matches_has_a_parameter():
    assert of({"match": "head.*", "lr_factor": 10}, {"match": ["*.bias", "conv1.*"], "lr": 0.5, "weight_decay": 0}) == [
        {"params": ["conv2.weight"], "lr": 0.1},
        {"params": ["head.weight", "head.bias"], "lr": 1.0},
        {"params": ["conv1.bias", "conv2.bias", "conv1.weight"], "lr": 0.5, "weight_decay": 0},
    ]


def test_a_group_may_change_weight_decay_alone():
    first, second = of({"match": "*.bias", "weight_decay": 0})
    assert (first["lr"], second["lr"], second["weight_decay"]) == (0.1, 0.1, 0)
    assert "weight_decay" not in first


def test_no_group_is_empty():
    assert len(of({"match": "*", "lr": 0.5})) == 1


@pytest.mark.parametrize(
    ("groups", "option", "message"),
    [
        (
            [{"match": "hed.weight", "lr": 1}],
            "groups.0.match",
            "no parameter that learns matches 'hed.weight'; did you",
        ),
        ([{"match": ["conv1.*", "x*"], "lr": 1}], "groups.0.match.1", "no parameter that learns matches 'x*'"),
        (
            [{"match": "*", "lr": 1}, {"match": "head.*", "lr": 2}],
            "groups.1.match",
            "an earlier group has every parameter that matches 'head.*'; put this one before it",
        ),
    ],
)
def test_a_pattern_that_matches_nothing_is_refused(groups, option, message):
    with pytest.raises(OptionError) as caught:
        of(*groups)
    assert str(caught.value).startswith(f"{option}: {message}")
