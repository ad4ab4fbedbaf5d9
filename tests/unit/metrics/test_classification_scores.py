"""Classification scores agree with scikit-learn, and undefined ones are NaN."""

import math
import warnings

import pytest
import torch
from sklearn import metrics as reference

from dltk.metrics import classification as metrics
from dltk.metrics.classification import ONE_OF_SEVERAL, SEVERAL_AT_ONCE

NAN = math.nan


@pytest.fixture
def scored():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 7, (200,), generator=generator)
    activations = torch.randn(200, 7, generator=generator, dtype=torch.float64)
    activations[torch.arange(200), truth] += 1
    return activations, truth


@pytest.fixture
def labelled():
    generator = torch.Generator().manual_seed(1)
    truth = (torch.rand(90, 5, generator=generator) < 0.3).float()
    return torch.randn(90, 5, generator=generator) + 2 * truth - 1, truth


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", lambda a, t: reference.accuracy_score(t, a.argmax(1))),
        ("top5_accuracy", lambda a, t: reference.top_k_accuracy_score(t, a, k=5)),
        ("macro_precision", lambda a, t: reference.precision_score(t, a.argmax(1), average="macro")),
        ("macro_recall", lambda a, t: reference.recall_score(t, a.argmax(1), average="macro")),
        ("macro_f1", lambda a, t: reference.f1_score(t, a.argmax(1), average="macro")),
    ],
)
def test_scores_of_one_class_among_several_are_sklearns(scored, name, expected):
    assert ONE_OF_SEVERAL[name].score(*scored) == pytest.approx(expected(*scored), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", lambda a, t: reference.accuracy_score(t, a > 0)),
        ("micro_f1", lambda a, t: reference.f1_score(t, a > 0, average="micro")),
        ("macro_f1", lambda a, t: reference.f1_score(t, a > 0, average="macro")),
    ],
)
def test_scores_of_several_labels_at_once_are_sklearns(labelled, name, expected):
    assert SEVERAL_AT_ONCE[name].score(*labelled) == pytest.approx(expected(*labelled), rel=1e-12)


def test_the_confusion_matrix_is_sklearns(scored):
    activations, truth = scored
    expected = reference.confusion_matrix(truth, activations.argmax(1))
    assert metrics.confusion_matrix(activations.argmax(1), truth, 7).tolist() == expected.tolist()


def test_roc_auc_is_sklearns_with_ties_too():
    generator = torch.Generator().manual_seed(2)
    truth = torch.randint(0, 2, (300,), generator=generator)
    ranks = (torch.randn(300, generator=generator) + truth).mul(3).round()
    assert metrics.roc_auc(ranks, truth) == pytest.approx(reference.roc_auc_score(truth, ranks), rel=1e-12)


def test_roc_auc_of_a_single_class_is_undefined():
    assert math.isnan(metrics.roc_auc(torch.randn(4), torch.ones(4)))


def test_equal_activations_do_not_count_as_a_top_hit_for_every_class():
    constant = torch.zeros(12, 6)
    assert metrics.top_k_accuracy(constant, torch.arange(12) % 6, 2) == pytest.approx(2 / 6)


def test_precision_of_a_class_never_predicted_is_undefined():
    confusion = torch.tensor([[3, 0], [1, 0]])
    assert metrics.precision_per_class(confusion).tolist() == pytest.approx([0.75, NAN], nan_ok=True)
    assert metrics.recall_per_class(confusion).tolist() == [1.0, 0.0]
    assert math.isnan(
        ONE_OF_SEVERAL["macro_precision"].score(torch.tensor([[1.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1]))
    )


def test_f1_without_any_label_is_undefined():
    nothing = torch.zeros(3, 2)
    assert math.isnan(metrics.micro_f1(nothing, nothing))
    assert metrics.f1_per_label(torch.eye(2), torch.tensor([[1, 0], [0, 0]])).tolist() == [1.0, 0.0]


def test_scores_of_no_samples_are_undefined_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(metrics.accuracy(torch.empty(0), torch.empty(0)))
        assert math.isnan(metrics.exact_match(torch.empty(0, 3), torch.empty(0, 3)))
