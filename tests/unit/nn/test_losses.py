"""Losses of classes have their textbook values, whichever way outputs and targets come."""

import itertools
import math

import pytest
import torch
from sklearn.metrics import hinge_loss
from torch.nn import functional as F

from dltk.nn import losses
from dltk.nn.class_outputs import ClassOutputs
from dltk.nn.losses import class_losses, sample_weights

LOGITS = torch.tensor([[0.1, 0.7, 0.2]], dtype=torch.float64).log()
SECOND = torch.tensor([1])
ONE_OUTPUT, TWO_OUTPUTS, LABELS = ClassOutputs(2, 1), ClassOutputs(2, 2), ClassOutputs(3, 3, multi_label=True)


def loss_of(name, outputs, targets, classes, smoothing=0.0, gamma=2.0):
    loss = class_losses(gamma)[name]
    values = loss.alone if classes.stand_alone else loss.among
    assert values is not None
    return values(outputs, classes.wanted(targets, smoothing))


def test_cross_entropy_of_the_course_is_minus_log_of_the_true_class():
    assert losses.softmax_cross_entropy(LOGITS, SECOND).item() == pytest.approx(-math.log(0.7))


def test_squared_error_of_the_course_is_a_mean_over_classes():
    assert losses.softmax_squared_error(LOGITS, SECOND).item() == pytest.approx(0.14 / 3)


def test_focal_counts_what_is_sure_little():
    expected = -((1 - 0.7) ** 2) * math.log(0.7)
    assert losses.softmax_focal(LOGITS, SECOND, 2.0).item() == pytest.approx(expected)
    alone = losses.sigmoid_focal(torch.tensor([[0.7, 0.7]]).logit(), torch.tensor([[1.0, 0.0]]), 2.0).item()
    assert alone == pytest.approx((expected - 0.7**2 * math.log(0.3)) / 2, rel=1e-6)


def test_focal_without_gamma_is_cross_entropy():
    outputs, targets = torch.randn(6, 4), torch.arange(6) % 4
    torch.testing.assert_close(
        losses.softmax_focal(outputs, targets, 0.0), losses.softmax_cross_entropy(outputs, targets)
    )


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("size", [30.0, 300.0])
def test_focal_has_a_slope_where_a_sample_is_quite_sure(gamma, size):
    for loss, wanted in ((losses.softmax_focal, SECOND), (losses.sigmoid_focal, torch.tensor([[0.0, 1.0]]))):
        outputs = torch.tensor([[-size, size]], requires_grad=True)
        loss(outputs, wanted, gamma).sum().backward()
        assert outputs.grad is not None
        assert outputs.grad.isfinite().all()


@pytest.mark.parametrize(
    ("name", "smoothing", "shared"),
    [("hinge", 0.0, False), *itertools.product(["cross_entropy", "focal", "mse"], [0.0, 0.2], [False, True])],
)
def test_one_output_of_two_classes_is_scored_as_two_outputs_are(name, smoothing, shared):
    activation = torch.tensor([[1.3], [-0.4], [0.0]], dtype=torch.float64)
    both = torch.cat([torch.zeros_like(activation), activation], 1)
    targets = torch.tensor([1, 1, 0])
    if shared:
        targets = torch.tensor([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    one, two = (
        loss_of(name, outputs, targets, classes, smoothing)
        for outputs, classes in ((activation, ONE_OUTPUT), (both, TWO_OUTPUTS))
    )
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "mse"])
def test_shares_that_are_whole_classes_are_scored_as_these(name):
    outputs, targets, classes = torch.randn(7, 4), torch.arange(7) % 4, ClassOutputs(4, 4)
    shares = F.one_hot(targets, 4).float()
    torch.testing.assert_close(loss_of(name, outputs, shares, classes), loss_of(name, outputs, targets, classes))


def test_cross_entropy_of_shares_is_the_mean_of_the_classes_losses():
    outputs, shares = torch.randn(1, 3), torch.tensor([[0.5, 0.3, 0.2]])
    each = [loss_of("cross_entropy", outputs, torch.tensor([k]), ClassOutputs(3, 3)) for k in range(3)]
    expected = sum(share * loss for share, loss in zip(shares[0], each, strict=True))
    torch.testing.assert_close(loss_of("cross_entropy", outputs, shares, ClassOutputs(3, 3)), expected)


def test_label_smoothing_is_torchs():
    outputs, targets = torch.randn(5, 4), torch.arange(5) % 4
    expected = F.cross_entropy(outputs, targets, reduction="none", label_smoothing=0.1)
    torch.testing.assert_close(loss_of("cross_entropy", outputs, targets, ClassOutputs(4, 4), 0.1), expected)


def test_labels_at_once_are_scored_one_by_one_and_averaged():
    outputs, targets = torch.randn(4, 3), torch.randint(0, 2, (4, 3)).float()
    expected = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)
    torch.testing.assert_close(loss_of("cross_entropy", outputs, targets, LABELS), expected)
    hinges = torch.tensor([[2.0, -3.0, 0.5]]), torch.tensor([[1.0, 1.0, 0.0]])
    assert loss_of("hinge", *hinges, LABELS).item() == pytest.approx((0 + 4 + 1.5) / 3)


def test_hinge_of_several_classes_is_crammer_and_singers():
    outputs, targets = torch.randn(50, 5, dtype=torch.float64), torch.arange(50) % 5
    expected = hinge_loss(targets, outputs, labels=range(5))
    assert loss_of("hinge", outputs, targets, ClassOutputs(5, 5)).mean().item() == pytest.approx(expected)


def test_hinge_of_one_output_is_the_binary_one():
    outputs, targets = torch.randn(50, 1, dtype=torch.float64), torch.arange(50) % 2
    expected = hinge_loss(targets, outputs[:, 0], labels=[0, 1])
    assert loss_of("hinge", outputs, targets, ONE_OUTPUT).mean().item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("activation", "target", "gradient"),
    [(2.0, 1, 0.0), (2.0, 0, 1.0), (-2.0, 0, 0.0), (-2.0, 1, -1.0), (0.0, 0, 0.0), (0.0, 1, -1.0)],
)
def test_the_perceptron_moves_only_where_it_is_wrong_and_a_tie_is_the_first_class(activation, target, gradient):
    a = torch.tensor([[activation]], requires_grad=True)
    loss_of("perceptron", a, torch.tensor([target]), ONE_OUTPUT).sum().backward()
    assert a.grad is not None
    assert a.grad.item() == gradient


def test_a_sample_weighs_as_its_class_and_one_of_shares_as_their_mean():
    weights = (1.0, 4.0)
    assert sample_weights(torch.tensor([0, 1, 1]), weights, torch.float64).tolist() == [1.0, 4.0, 4.0]
    assert sample_weights(torch.tensor([[0.5, 0.5]]), weights, torch.float64).tolist() == [2.5]
