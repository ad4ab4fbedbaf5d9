"""Inputs reach a model as the agreement says, and wrong outputs are refused."""

import pytest
import torch
from torch import nn

from dltk.config.errors import ConfigError
from dltk.nn.feeding import feed, outputs_for


class Sum(nn.Module):
    def forward(self, left, right):
        return left + right


class Named(nn.Module):
    def forward(self, inputs):
        return {"price": inputs[:, :1], "kind": inputs}


def test_one_input_arrives_as_it_is_and_several_as_keywords():
    assert feed(nn.Identity(), torch.ones(2)).tolist() == [1, 1]
    assert feed(Sum(), {"right": torch.tensor(1), "left": torch.tensor(2)}).item() == 3


def test_outputs_are_looked_up_by_the_target_they_are_for():
    assert outputs_for("price", 1, Named(), torch.ones(2, 3)).shape == (2, 1)


def test_outputs_of_another_shape_are_a_configuration_error():
    with pytest.raises(ConfigError) as error:
        outputs_for("label", 10, nn.Identity(), torch.ones(2, 7))
    assert "model: must have outputs of shape (samples, 10) for 'label'; received (samples, 7)" in str(error.value)


def test_a_missing_output_is_a_configuration_error():
    with pytest.raises(ConfigError, match="must have an output 'age'; received kind, price"):
        outputs_for("age", 1, Named(), torch.ones(2, 3))
