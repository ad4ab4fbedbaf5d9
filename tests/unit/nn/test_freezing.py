import copy
from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.nn.freezing import freeze


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.norm = nn.BatchNorm2d(2)
        self.head = nn.Linear(2, 1)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).mean((2, 3)))


def learning(model):
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def test_backbone_is_everything_but_the_head():
    model = Small()
    freeze(model, "backbone")
    assert learning(model) == ["head.weight", "head.bias"]


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (["conv.*"], ["norm.weight", "norm.bias", "head.weight", "head.bias"]),
        (["*.bias"], ["conv.weight", "norm.weight", "head.weight"]),
        (["conv.weight", "h*"], ["conv.bias", "norm.weight", "norm.bias"]),
        (["[cn]*"], ["head.weight", "head.bias"]),
    ],
)
def test_globs_name_what_does_not_learn(globs, expected):
    model = Small()
    freeze(model, globs)
    assert learning(model) == expected


def test_frozen_batch_normalisation_keeps_its_statistics():
    model: Any = Small()
    freeze(model, "backbone")
    before = model.norm.running_mean.clone()
    model.train()(torch.rand(4, 1, 3, 3))
    assert model.training
    assert not model.norm.training
    assert torch.equal(model.norm.running_mean, before)


@pytest.mark.parametrize("globs", [["conv.*"], ["norm.weight"]])
def test_batch_normalisation_that_learns_goes_on_counting(globs):
    model: Any = Small()
    freeze(model, globs)
    before = model.norm.running_mean.clone()
    model.train()(torch.rand(4, 1, 3, 3))
    assert not torch.equal(model.norm.running_mean, before)


def test_a_copy_stays_frozen_by_itself():
    model = Small()
    freeze(model, "backbone")
    other = copy.deepcopy(model)
    other.train()
    assert not other.norm.training
    assert other.norm.train() is other.norm


def test_a_glob_that_matches_nothing_is_refused():
    with pytest.raises(OptionError) as caught:
        freeze(Small(), ["head.*", "covn.*"])
    assert str(caught.value).startswith("freeze.1: no parameter is called 'covn.*'; did you mean 'conv.*'?")


def test_a_model_without_a_head_has_no_backbone():
    with pytest.raises(OptionError, match=r"this model has no head; name what is frozen, such as \[weight\]"):
        freeze(nn.Linear(2, 1), "backbone")
