"""Outputs are read as activations, probabilities and answers, and targets as what they should be."""

import torch

from dltk.nn.class_outputs import ClassOutputs

TWO, THREE, LABELS = ClassOutputs(2, 1), ClassOutputs(3, 3), ClassOutputs(2, 2, multi_label=True)


def test_one_output_stands_for_two_classes_and_a_tie_is_the_first():
    activations = TWO.activations(torch.tensor([[2.0], [-1.0], [0.0]]))
    assert TWO.predicted(activations).tolist() == [1, 0, 0]
    torch.testing.assert_close(TWO.probabilities(activations)[:, 1], torch.tensor([2.0, -1.0, 0.0]).sigmoid())


def test_probabilities_of_classes_add_up_and_those_of_labels_stand_alone():
    outputs = torch.randn(5, 3)
    assert torch.allclose(THREE.probabilities(outputs).sum(1), torch.ones(5))
    assert torch.equal(LABELS.probabilities(outputs[:, :2]), outputs[:, :2].sigmoid())
    assert torch.equal(LABELS.predicted(outputs[:, :2]), outputs[:, :2] > 0)


def test_whole_classes_reach_a_softmax_as_they_are():
    targets = torch.tensor([2, 0])
    assert THREE.wanted(targets) is targets


def test_what_an_output_alone_should_be_is_the_share_of_the_second_class():
    assert TWO.wanted(torch.tensor([1, 0])).tolist() == [[1.0], [0.0]]
    assert TWO.wanted(torch.tensor([[0.25, 0.75]])).tolist() == [[0.75]]


def test_smoothing_spreads_a_part_over_all_classes():
    torch.testing.assert_close(THREE.wanted(torch.tensor([1]), 0.3), torch.tensor([[0.1, 0.8, 0.1]]))
    torch.testing.assert_close(TWO.wanted(torch.tensor([1]), 0.2), torch.tensor([[0.9]]))
    torch.testing.assert_close(LABELS.wanted(torch.tensor([[1.0, 0.0]]), 0.2), torch.tensor([[0.9, 0.1]]))
