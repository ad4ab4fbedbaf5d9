"""Precision-recall curves agree with scikit-learn's at every threshold."""

import pytest
import torch
from sklearn.metrics import precision_score, recall_score

from dltk.training.tensorboard.curves import MAX_CLASSES, NUM_THRESHOLDS, curve, pr_curves
from tests.unit.training.tensorboard.reading import read_back


def drawn(num_samples, num_classes):
    generator = torch.Generator().manual_seed(1)
    chances = torch.rand(num_samples, num_classes, generator=generator).softmax(1)
    return chances, torch.randint(num_classes, (num_samples,), generator=generator)


@pytest.mark.parametrize("threshold", [0, 29, 35, 50, 100])  # 0.29 * 100 is less than 29
def test_a_curve_is_that_of_scikit_learn(threshold):
    chances = torch.tensor([0.0, 0.29, 0.3, 0.35, 0.5, 0.51, 0.9, 1.0], dtype=torch.float64)
    truth = torch.tensor([0, 1, 0, 1, 1, 0, 1, 1]).bool()
    hits, alarms, rejections, misses, precision, recall = curve(chances, truth)[:, threshold].tolist()
    said = chances >= threshold / (NUM_THRESHOLDS - 1)
    assert precision == pytest.approx(precision_score(truth, said, zero_division=0))
    assert recall == pytest.approx(recall_score(truth, said))
    assert hits + misses == truth.sum()
    assert alarms + rejections == (~truth).sum()


def test_each_of_several_classes_has_a_curve_against_the_rest(tmp_path):
    chances, truth = drawn(50, 3)
    names = ["cat", "dog", "cow"]
    found = read_back(tmp_path, pr_curves({"true": truth, "probabilities": chances}, names))
    assert set(found) == {f"pr_curves/{name}" for name in names}
    for i, name in enumerate(names):
        plugin, array = found[f"pr_curves/{name}"]
        assert (plugin, array.shape) == ("pr_curves", (6, NUM_THRESHOLDS))
        assert array[0, 0] == (truth == i).sum()


def test_of_two_classes_the_second_has_a_curve():
    chances, truth = drawn(20, 2)
    (value,) = pr_curves({"true": truth, "probabilities": chances}, ["no", "yes"])
    assert value.tag == "pr_curves/yes"


def test_labels_have_a_curve_each():
    chances = torch.rand(20, 2, generator=torch.Generator().manual_seed(2))
    values = pr_curves({"true": chances > 0.5, "probabilities": chances}, ["sun", "rain"])
    assert [value.tag for value in values] == ["pr_curves/sun", "pr_curves/rain"]


def test_of_very_many_classes_the_first_have_curves():
    chances, truth = drawn(5, MAX_CLASSES + 20)
    names = [str(i) for i in range(MAX_CLASSES + 20)]
    assert len(pr_curves({"true": truth, "probabilities": chances}, names)) == MAX_CLASSES


def test_without_probabilities_or_classes_there_is_none():
    chances, truth = drawn(5, 3)
    assert pr_curves({"true": truth}, ["a", "b", "c"]) == []
    assert pr_curves({"true": truth, "probabilities": chances}, []) == []
    assert pr_curves({}, ["a"]) == []
