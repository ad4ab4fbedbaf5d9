"""An update without torch's bookkeeping is torch's own update, bit for bit, and its state stays torch's."""

import copy

import pytest
import torch
from torch import nn

from dltk.training.optimizers import OPTIMIZERS, Adagrad, Adam, AdamW, RMSprop
from dltk.training.updates.moving import Bare, Direct, moves_of


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


def built(options, model, **groups):
    return options.build([{"params": list(model.parameters()), "lr": options.lr, **groups}])


def backward(model, skipped=()):
    for name, parameter in model.named_parameters():
        parameter.grad = None if name in skipped else parameter.detach().sin() + 0.1


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("more", [{}, {"weight_decay": 0.1}])
def test_the_bits_are_those_of_the_optimizer(name, more):
    options = OPTIMIZERS[name](**more)
    one, two = network(), network()
    theirs, ours = built(options, one), built(options, two)
    moves = moves_of(ours)
    for step in range(5):
        for optimizer in (theirs, ours):
            optimizer.param_groups[0]["lr"] = 0.1 / (step + 1)
        backward(one)
        backward(two)
        theirs.step()
        moves.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    for parameter, other in zip(one.parameters(), two.parameters(), strict=True):
        for key, value in theirs.state[parameter].items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(ours.state[other][key])), key


MOMENTUM = RMSprop(momentum=0.9, weight_decay=0.1)


@pytest.mark.parametrize("options", [Adam(amsgrad=True), AdamW(amsgrad=True), RMSprop(), MOMENTUM])
def test_a_parameter_without_gradient_stays_and_its_moments_too(options):
    one, two = network(), network()
    theirs, ours = built(options, one), built(options, two)
    moves = moves_of(ours)
    assert isinstance(moves, Direct)
    for skipped in ((), ("0.bias",), (), (), ("2.weight", "2.bias"), ()):
        backward(one, skipped)
        backward(two, skipped)
        theirs.step()
        moves.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_state_that_was_taken_back_is_what_moves():
    model, other = network(), network()
    ours, fresh = built(Adam(), model), built(Adam(), other)
    moves, later = moves_of(ours), moves_of(fresh)
    for each, network_ in ((moves, model), (later, other)):
        for _ in range(3):
            backward(network_)
            each.step()
    fresh.load_state_dict(copy.deepcopy(ours.state_dict()))
    other.load_state_dict(model.state_dict())
    later.forget()
    for each, network_ in ((moves, model), (later, other)):
        backward(network_)
        each.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    steps = [float(state["step"]) for state in fresh.state.values()]
    assert steps == [4.0] * 4


def test_parameters_of_several_types_are_the_optimizers_own_business():
    model = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2).double()])
    moves = moves_of(built(Adam(), model))
    before = [parameter.clone() for parameter in model.parameters()]
    for _ in range(2):
        backward(model)
        moves.step()
    assert not any(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("options", [RMSprop(centered=True), Adagrad()])
def test_others_are_moved_by_the_optimizer(options):
    assert isinstance(moves_of(built(options, network())), Bare)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("options", [Adam(weight_decay=0.1), AdamW(amsgrad=True), RMSprop()])
def test_the_bits_are_those_of_the_optimizer_on_cuda(options):
    one, two = network().cuda(), network().cuda()
    theirs, ours = built(options, one), built(options, two)
    moves = moves_of(ours)
    for _ in range(5):
        backward(one)
        backward(two)
        theirs.step()
        moves.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
