"""Classification scores agree with scikit-learn, and undefined ones are NaN."""

import math
import warnings
from typing import Any

import pytest
import torch
from sklearn import metrics as reference
from torch.nn import functional as F

from dltk.metrics import calibration, ranking
from dltk.metrics import classification as metrics
from dltk.metrics.class_scores import ONE_OF_SEVERAL, SEVERAL_AT_ONCE

NAN = math.nan


def activations_like(truth, num_classes, seed):
    """Return activations that are right more often than not, coarse enough to have ties."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(len(truth), num_classes, generator=generator, dtype=torch.float64)
    values[torch.arange(len(truth)), truth] += 1
    return values.mul(4).round() / 4


def sampled(num_classes, num_samples=300, seed=0):
    weights = torch.arange(1, num_classes + 1).double()  # some classes are rare
    truth = weights.multinomial(num_samples, replacement=True, generator=torch.Generator().manual_seed(seed))
    return activations_like(truth, num_classes, seed), truth


@pytest.fixture
def labelled():
    generator = torch.Generator().manual_seed(1)
    truth = (torch.rand(90, 5, generator=generator) < 0.3).float()
    return (torch.randn(90, 5, generator=generator) + 2 * truth - 1).double().mul(4).round() / 4, truth


def one_of_each(activations, truth):
    return F.one_hot(truth, activations.shape[1])


SEVERAL: dict[str, Any] = {
    "accuracy": lambda a, t: reference.accuracy_score(t, a.argmax(1)),
    "balanced_accuracy": lambda a, t: reference.balanced_accuracy_score(t, a.argmax(1)),
    "macro_precision": lambda a, t: reference.precision_score(t, a.argmax(1), average="macro"),
    "macro_recall": lambda a, t: reference.recall_score(t, a.argmax(1), average="macro"),
    "macro_f1": lambda a, t: reference.f1_score(t, a.argmax(1), average="macro"),
    "weighted_precision": lambda a, t: reference.precision_score(t, a.argmax(1), average="weighted"),
    "weighted_recall": lambda a, t: reference.recall_score(t, a.argmax(1), average="weighted"),
    "weighted_f1": lambda a, t: reference.f1_score(t, a.argmax(1), average="weighted"),
    "matthews_correlation": lambda a, t: reference.matthews_corrcoef(t, a.argmax(1)),
    "cohen_kappa": lambda a, t: reference.cohen_kappa_score(t, a.argmax(1)),
    "log_loss": lambda a, t: reference.log_loss(t, a.softmax(1)),
    "brier": lambda a, t: reference.brier_score_loss(t, a.softmax(1), labels=range(a.shape[1])),
    "roc_auc": lambda a, t: reference.roc_auc_score(t, a.softmax(1), multi_class="ovr"),
    "average_precision": lambda a, t: reference.average_precision_score(one_of_each(a, t), a.softmax(1)),
}
TWO: dict[str, Any] = {
    "precision": lambda a, t: reference.precision_score(t, a.argmax(1)),
    "recall": lambda a, t: reference.recall_score(t, a.argmax(1)),
    "f1": lambda a, t: reference.f1_score(t, a.argmax(1)),
    "roc_auc": lambda a, t: reference.roc_auc_score(t, a[:, 1] - a[:, 0]),
    "average_precision": lambda a, t: reference.average_precision_score(t, a[:, 1] - a[:, 0]),
    "brier": lambda a, t: reference.brier_score_loss(t, a.softmax(1)[:, 1]),
}
AT_ONCE: dict[str, Any] = {
    "accuracy": lambda a, t: reference.accuracy_score(t, a > 0),
    "roc_auc": lambda a, t: reference.roc_auc_score(t, a, average="macro"),
    "average_precision": lambda a, t: reference.average_precision_score(t, a, average="macro"),
    "log_loss": lambda a, t: reference.log_loss(t.flatten(), a.sigmoid().flatten()),
    "brier": lambda a, t: reference.brier_score_loss(t.flatten(), a.sigmoid().flatten()),
} | {
    f"{mean}_{score}": lambda a, t, mean=mean, score=score: getattr(reference, f"{score}_score")(t, a > 0, average=mean)
    for mean in ("micro", "macro")
    for score in ("precision", "recall", "f1")
}


@pytest.mark.parametrize("num_classes", [3, 7])
@pytest.mark.parametrize("name", SEVERAL)
def test_scores_of_one_class_among_several_are_sklearns(name, num_classes):
    scored = sampled(num_classes)
    assert ONE_OF_SEVERAL[name].score(*scored) == pytest.approx(SEVERAL[name](*scored), rel=1e-9)


@pytest.mark.parametrize("name", sorted(SEVERAL | TWO))
def test_scores_of_two_classes_are_sklearns(name):
    scored = sampled(2, seed=3)
    assert ONE_OF_SEVERAL[name].score(*scored) == pytest.approx((SEVERAL | TWO)[name](*scored), rel=1e-9)


@pytest.mark.parametrize("k", [3, 5])
def test_the_true_class_is_among_the_likeliest_as_sklearn_counts(k):
    activations, truth = sampled(7)
    distinct = activations + torch.rand(activations.shape, generator=torch.Generator().manual_seed(5)) / 10
    expected = reference.top_k_accuracy_score(truth, distinct, k=k)
    assert ONE_OF_SEVERAL[f"top{k}_accuracy"].score(distinct, truth) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", AT_ONCE)
def test_scores_of_several_labels_at_once_are_sklearns(labelled, name):
    assert SEVERAL_AT_ONCE[name].score(*labelled) == pytest.approx(AT_ONCE[name](*labelled), rel=1e-9)


def test_every_score_is_compared():
    assert set(ONE_OF_SEVERAL) == {*SEVERAL, *TWO, "top3_accuracy", "top5_accuracy", "expected_calibration_error"}
    assert set(SEVERAL_AT_ONCE) == set(AT_ONCE)


@pytest.mark.parametrize("name", ["balanced_accuracy", "matthews_correlation", "cohen_kappa", "weighted_recall"])
def test_a_class_without_samples_changes_nothing_where_that_can_be(name):
    activations, truth = sampled(4)
    kept = truth != 2
    activations, truth = activations[kept], truth[kept]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sklearn tells that a class was predicted that is not there
        expected = SEVERAL[name](activations, truth)
    assert ONE_OF_SEVERAL[name].score(activations, truth) == pytest.approx(expected, rel=1e-9)


def test_the_confusion_matrix_is_sklearns():
    activations, truth = sampled(7)
    expected = reference.confusion_matrix(truth, activations.argmax(1))
    assert metrics.confusion_matrix(activations.argmax(1), truth, 7).tolist() == expected.tolist()


def test_curves_are_sklearns():
    activations, truth = sampled(2)
    values = activations[:, 1]
    false_alarms, hits, _ = reference.roc_curve(truth, values, drop_intermediate=False)
    found = ranking.roc_curve(values, truth)
    assert [part.tolist() for part in found] == [pytest.approx(false_alarms.tolist()), pytest.approx(hits.tolist())]
    precision, recall, _ = reference.precision_recall_curve(truth, values)
    found = ranking.precision_recall_curve(values, truth)
    # sklearn begins at the lowest threshold, and ends with a point that no threshold gives
    assert found[0].flip(0).tolist() == pytest.approx(recall[:-1].tolist())
    assert found[1].flip(0).tolist() == pytest.approx(precision[:-1].tolist())


def test_the_calibration_error_is_the_mean_distance_of_bins():
    confidence = torch.tensor([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], dtype=torch.float64)
    is_right = torch.tensor([True, True, True, False, False, False])
    expected = (4 * abs(0.75 - 0.95) + 2 * abs(0 - 0.55)) / 6
    assert calibration.expected_calibration_error(confidence, is_right) == pytest.approx(expected)
    found = calibration.reliability(confidence, is_right)
    assert found.num_answers.tolist() == [0] * 8 + [2] + [0] * 5 + [4]


def test_probabilities_of_zero_and_one_have_a_bin():
    found = calibration.reliability(torch.tensor([0.0, 1.0]), torch.tensor([False, True]))
    assert (found.num_answers[0].item(), found.num_answers[-1].item()) == (1, 1)
    perfect = torch.tensor([[40.0, 0.0], [0.0, 40.0]], dtype=torch.float64)
    assert ONE_OF_SEVERAL["expected_calibration_error"].score(perfect, torch.tensor([0, 1])) == pytest.approx(0)


def test_quite_sure_samples_are_still_ranked():
    activations = torch.tensor([[0.0, 60.0], [0.0, 80.0]], dtype=torch.float64)  # both probabilities round to 1
    assert ONE_OF_SEVERAL["roc_auc"].score(activations, torch.tensor([0, 1])) == 1.0


def test_ranks_of_a_single_class_are_undefined():
    assert math.isnan(ranking.roc_auc(torch.randn(4), torch.ones(4)))
    assert math.isnan(ranking.average_precision(torch.randn(4), torch.zeros(4)))
    assert math.isnan(ONE_OF_SEVERAL["roc_auc"].score(torch.randn(4, 3), torch.tensor([0, 0, 1, 1])))


def test_equal_activations_do_not_count_as_a_top_hit_for_every_class():
    constant = torch.zeros(12, 6)
    assert metrics.top_k_accuracy(constant, torch.arange(12) % 6, 2) == pytest.approx(2 / 6)


def test_precision_of_a_class_never_predicted_is_undefined():
    confusion = torch.tensor([[3, 0], [1, 0]])
    assert metrics.precision_per_class(confusion).tolist() == pytest.approx([0.75, NAN], nan_ok=True)
    assert metrics.recall_per_class(confusion).tolist() == [1.0, 0.0]
    one_class = torch.tensor([[1.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1])
    for name in ("macro_precision", "weighted_precision", "precision", "matthews_correlation"):
        assert math.isnan(ONE_OF_SEVERAL[name].score(*one_class)), name


def test_f1_without_any_label_is_undefined():
    nothing = torch.zeros(3, 2)
    assert math.isnan(SEVERAL_AT_ONCE["micro_f1"].score(nothing, nothing))
    counts = metrics.label_confusion(torch.eye(2), torch.tensor([[1, 0], [0, 0]]))
    assert metrics.label_f1(counts).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("name", sorted(ONE_OF_SEVERAL))
def test_scores_of_no_samples_are_undefined_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty = torch.empty(0, 2, dtype=torch.float64), torch.empty(0, dtype=torch.int64)
        assert math.isnan(ONE_OF_SEVERAL[name].score(*empty))
        assert math.isnan(metrics.exact_match(torch.empty(0, 3), torch.empty(0, 3)))
