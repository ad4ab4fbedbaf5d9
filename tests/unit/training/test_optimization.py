"""Optimization: torch's steps at the scheduled rate, and options by name."""

import pytest
import torch
from torch import nn

from dltk.training.optimization import Optimization, OptimizationSettings
from dltk.training.optimizers import SGD, Adam
from dltk.training.saving.trees import copied
from dltk.training.schedules import Constant, Cosine, InverseTime, Length


def settings(optimizer, schedule=None):
    return OptimizationSettings({"": optimizer}, {"": schedule} if schedule else {})


def test_a_step_is_torchs_step_at_the_scheduled_rate():
    ours, theirs = nn.Parameter(torch.tensor([2.0])), nn.Parameter(torch.tensor([2.0]))
    optimization = Optimization([("w", ours)], settings(SGD(lr=0.1), Cosine()), Length(4))
    for step in range(4):
        assert optimization.lr == pytest.approx(0.1 * Cosine().multiplier(step, Length(4)))
        optimization.step(ours.square().sum())
        optimizer = torch.optim.SGD([theirs], 0.1 * Cosine().multiplier(step, Length(4)), fused=True)
        optimizer.zero_grad()
        theirs.square().sum().backward()
        optimizer.step()
    assert ours.equal(theirs)


def test_gradients_of_one_step_do_not_reach_the_next():
    parameter = nn.Parameter(torch.tensor([1.0]))
    optimization = Optimization([("w", parameter)], settings(SGD(lr=0.5)), Length())
    optimization.step((parameter * 2).sum())
    optimization.step((parameter * 0).sum())
    assert parameter.item() == 0


def test_parameters_that_need_no_gradient_stay():
    frozen, free = nn.Parameter(torch.ones(1), requires_grad=False), nn.Parameter(torch.ones(1))
    optimization = Optimization([("frozen", frozen), ("free", free)], settings(SGD(lr=0.5, weight_decay=0.1)), Length())
    optimization.step((frozen * free).sum())
    assert frozen.item() == 1
    assert free.item() != 1


@pytest.mark.parametrize("optimizer", [SGD(lr=0.1, momentum=0.9), Adam(lr=0.1)], ids=["sgd", "adam"])
def test_it_goes_on_bit_for_bit_from_its_state(optimizer):
    def begin(value):
        parameter = nn.Parameter(value.clone())
        return parameter, Optimization([("w", parameter)], settings(optimizer, InverseTime(decay=0.3)), Length())

    whole, optimization = begin(torch.tensor([2.0, -1.0]))
    for _ in range(3):
        optimization.step(whole.pow(4).sum())
    again, restored = begin(whole.detach())
    restored.load_state_dict(copied(optimization.state_dict()))
    for _ in range(3):
        optimization.step(whole.pow(4).sum())
        restored.step(again.pow(4).sum())
    assert again.equal(whole)
    assert restored.lr == optimization.lr


def test_named_options_come_before_those_of_all_and_those_before_defaults():
    generator, rest = Adam(lr=0.1), SGD(lr=0.2)
    some = OptimizationSettings({"generator": generator, "": rest}, {"generator": Cosine()})
    assert (some.optimizer("generator"), some.optimizer("discriminator")) == (generator, rest)
    assert (some.schedule("generator"), some.schedule("discriminator")) == (Cosine(), Constant())
    assert (OptimizationSettings().optimizer(), OptimizationSettings().schedule()) == (Adam(), Constant())
