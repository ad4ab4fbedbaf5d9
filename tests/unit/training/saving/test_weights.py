"""Weights: taken, given back, and searched for what is not finite."""

import math

import pytest
import torch
from torch import nn

from dltk.config.errors import IntegrityError
from dltk.data.batches import Batch
from dltk.data.specs import Numbers
from dltk.models.ridge import Ridge
from dltk.training.saving.weights import broken_tensor, set_weights, weights_of


class Masked(nn.Module):
    """Has a buffer as attention has: infinities that say where not to look."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(2, 2)
        self.register_buffer("mask", torch.tensor([0.0, -math.inf]))


def test_weights_come_back():
    first, second = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    first(torch.randn(5, 3))
    set_weights(second, weights_of(first))
    for name, tensor in first.state_dict().items():
        assert second.state_dict()[name].equal(tensor)


def test_an_estimator_gives_its_own_state():
    first, second = Ridge(1.0, Numbers(("y",))), Ridge(1.0, Numbers(("y",)))
    assert weights_of(first) == {}
    first.fit([Batch(torch.randn(5, 3), torch.randn(5, 1), 5)])
    set_weights(second, weights_of(first))
    assert first.weight is not None
    assert second.weight is not None
    assert second.weight.equal(first.weight)


@pytest.mark.parametrize("other", [nn.Linear(3, 2), nn.Linear(2, 3, bias=False), nn.BatchNorm1d(2)], ids=str)
def test_weights_of_another_model_are_refused(other):
    with pytest.raises(IntegrityError, match="the stored weights are not those of this model") as caught:
        set_weights(nn.Linear(2, 3), weights_of(other))
    assert "\n" not in caught.value.found


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["dense.weight", "dense.bias"])
def test_a_broken_weight_is_named(name, value):
    model = Masked()
    with torch.no_grad():
        model.get_parameter(name)[0] = value
    assert broken_tensor(model, {}) == f"the weight {name}"


def test_a_buffer_may_hold_infinities_but_no_nan():
    model = Masked()
    assert broken_tensor(model, {}) is None
    model.get_buffer("mask")[0] = math.nan
    assert broken_tensor(model, {}) == "the weight mask"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_broken_sum_or_moment_is_named(value):
    state = {"steps": 3, "scores": {"loss": torch.tensor([1.0, 2.0])}, "moments": {0: [torch.tensor(value)]}}
    assert broken_tensor(nn.Linear(1, 1), state) == "the learner's moments.0.0"
    assert broken_tensor(nn.Linear(1, 1), {"best": math.inf, "count": torch.tensor(3)}) is None


def test_a_broken_estimator_is_named():
    model = Ridge(1.0, Numbers(("y",)))
    assert broken_tensor(model, {}) is None
    model.restore({"weight": torch.tensor([math.nan]), "bias": torch.tensor([0.0])})
    assert broken_tensor(model, {}) == "the weight weight"
