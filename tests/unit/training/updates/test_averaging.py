"""The average of weights against its recursion."""

import copy

import pytest
import torch
from torch import nn

from dltk.training.updates.averaging import WeightAverage


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def disturb(model, seed):
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
        model(torch.randn(8, 3))


@pytest.mark.parametrize("decay", [0.15, 0.9])
def test_it_is_the_recursion_with_its_warmup(decay):
    model = network()
    average = WeightAverage(model, decay)
    expected = [parameter.detach().double() for parameter in model.parameters()]
    for update in range(1, 30):
        disturb(model, update)
        average.update()
        kept = min(decay, (1 + update) / (10 + update))
        expected = [
            kept * old + (1 - kept) * new.detach().double()
            for old, new in zip(expected, model.parameters(), strict=True)
        ]
    for ours, theirs in zip(average.model.parameters(), expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-6)


def test_buffers_are_copied():
    model = network()
    average = WeightAverage(model, 0.9)
    disturb(model, 1)
    average.update()
    buffers = dict(model.named_buffers())
    assert buffers
    assert all(buffer.equal(buffers[name]) for name, buffer in average.model.named_buffers())


def test_weights_that_do_not_learn_stay_bit_for_bit():
    model = network()
    frozen = next(model.parameters())
    average = WeightAverage(model, 0.9)
    for _ in range(5):
        average.update()
    assert next(average.model.parameters()).equal(frozen)


def test_it_goes_on_from_its_state_and_the_averaged_weights():
    model = network()
    average = WeightAverage(model, 0.9)
    for seed in range(3):
        disturb(model, seed)
        average.update()
    state, averaged = copy.deepcopy(average.state_dict()), copy.deepcopy(average.model.state_dict())
    other = network()
    restored = WeightAverage(other, 0.9)
    restored.model.load_state_dict(averaged)
    restored.load_state_dict(state)
    for one, learner in ((model, average), (other, restored)):
        disturb(one, 9)
        learner.update()
    for name, value in model.state_dict().items():
        assert value.equal(other.state_dict()[name]), name
    for name, value in average.model.state_dict().items():
        assert value.equal(restored.model.state_dict()[name]), name
