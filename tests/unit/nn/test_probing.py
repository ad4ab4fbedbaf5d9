import torch
from torch import nn

from dltk.nn.probing import least_side, takes


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 7), nn.BatchNorm2d(4), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(4, 2))


def test_a_network_is_asked_without_being_changed():
    asked = network()
    before = {name: value.clone() for name, value in asked.state_dict().items()}
    assert takes(asked, 3, 10, 13)
    assert not takes(asked, 3, 9, 13)
    assert not takes(asked, 1, 10, 10)
    assert asked.training
    assert all(torch.equal(value, before[name]) for name, value in asked.state_dict().items())


def test_the_least_side_is_found():
    assert least_side(nn.Sequential(nn.Conv2d(1, 1, 63)), 1) == 63
    assert least_side(nn.Conv2d(1, 1, 1), 1) == 1
    assert least_side(nn.Conv2d(1, 1, 512), 1) == 512


def test_a_network_that_takes_nothing_has_no_least_side():
    assert least_side(nn.Linear(7, 2), 1) is None
