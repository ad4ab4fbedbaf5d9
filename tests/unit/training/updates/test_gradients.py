"""Penalties and clipping against autograd and torch.nn.utils."""

import copy

import pytest
import torch
from torch import nn

from dltk.training.updates.gradients import clip, penalise


def parameters():
    """Return the parameters of a small network with gradients."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    network(torch.randn(8, 3)).square().sum().backward()
    return list(network.parameters())


def gradients(of):
    return [parameter.grad.clone() for parameter in of]


@pytest.mark.parametrize(("l1", "l2"), [(0.1, 0.0), (0.0, 0.2), (0.1, 0.2)])
def test_penalties_are_the_gradient_of_their_formula_on_weights_only(l1, l2):
    ours, theirs = parameters(), parameters()
    penalise(ours, l1, l2)
    weights = [parameter for parameter in theirs if parameter.dim() > 1]
    penalty = sum(l1 * weight.abs().sum() + l2 * weight.square().sum() for weight in weights)
    assert isinstance(penalty, torch.Tensor)
    penalty.backward()
    assert len(weights) == 2
    for our, their in zip(gradients(ours), gradients(theirs), strict=True):
        torch.testing.assert_close(our, their)


def test_clipping_by_norm_is_torchs_own_and_tells_the_norm_before():
    ours, theirs = parameters(), parameters()
    norm = clip(ours, 0.5, None)
    expected = nn.utils.clip_grad_norm_(theirs, 0.5)
    assert norm is not None
    assert norm.equal(expected)
    assert norm > 0.5
    assert all(a.equal(b) for a, b in zip(gradients(ours), gradients(theirs), strict=True))


def test_clipping_by_value_is_torchs_own_and_tells_the_norm_before():
    ours, theirs = parameters(), parameters()
    before = torch.cat([gradient.flatten() for gradient in gradients(ours)]).norm()
    norm = clip(ours, None, 0.01)
    nn.utils.clip_grad_value_(theirs, 0.01)
    torch.testing.assert_close(norm, before)
    assert all(a.equal(b) for a, b in zip(gradients(ours), gradients(theirs), strict=True))


def test_unasked_nothing_changes():
    ours = parameters()
    before = copy.deepcopy(gradients(ours))
    penalise(ours, 0.0, 0.0)
    assert clip(ours, None, None) is None
    assert all(a.equal(b) for a, b in zip(gradients(ours), before, strict=True))
