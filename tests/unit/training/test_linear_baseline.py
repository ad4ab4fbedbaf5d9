"""The linear baseline is scikit-learn's ridge and logistic regression on standardised inputs."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as ReferenceRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dltk.data.batches import InMemory, Loading
from dltk.data.plans import shuffled
from dltk.nn.class_outputs import ClassOutputs
from dltk.training import linear_baseline
from tests.fitted import splits_of

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(120, 4, generator=GENERATOR) * torch.tensor([1.0, 50.0, 0.01, 0.0]) + 0.1


def splits(targets, inputs=INPUTS, name="x"):
    train = InMemory({name: inputs[:90]}, {"y": targets[:90]}, Loading(16, shuffled(0)))
    test = InMemory({name: inputs[90:]}, {"y": targets[90:]}, Loading(16))
    return splits_of(train, test)


def features(targets):
    found = linear_baseline.features_of(splits(targets), 1)
    assert found is not None
    return found


def classes(count):
    noise = torch.randn(120, generator=GENERATOR)
    return (
        (INPUTS[:, 0] + INPUTS[:, 1] / 50 + noise / 2).mul(count / 4).add(count / 2).floor().clamp(0, count - 1).long()
    )


def test_ridge_is_sklearns():
    numbers = INPUTS[:, :2] @ torch.tensor([[2.0, 0.0], [0.1, -1.0]]) + torch.randn(120, 2, generator=GENERATOR)
    expected = make_pipeline(StandardScaler(), ReferenceRidge()).fit(INPUTS[:90], numbers[:90]).predict(INPUTS[90:])
    found = features(numbers)
    assert linear_baseline.ridge(found, found.targets).tolist() == [pytest.approx(row, rel=1e-4) for row in expected]
    assert torch.equal(found.truth, numbers[90:])


@pytest.mark.parametrize(("count", "num_outputs"), [(2, 1), (3, 3), (5, 5)])
def test_logistic_is_sklearns(count, num_outputs):
    targets = classes(count)
    reference = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=1000))
    expected = reference.fit(INPUTS[:90], targets[:90]).predict_proba(INPUTS[90:])
    outputs = ClassOutputs(count, num_outputs)
    found = outputs.probabilities(outputs.activations(linear_baseline.logistic(features(targets), outputs)))
    assert (found - torch.from_numpy(expected)).abs().max() < 1e-3


def test_each_label_has_a_regression_of_its_own():
    labels = torch.stack([classes(2), 1 - classes(2)], 1).float()
    together = linear_baseline.logistic(features(labels), ClassOutputs(2, 2, multi_label=True))
    for i in range(2):
        alone = linear_baseline.logistic(features(labels[:, i].long()), ClassOutputs(2, 1))
        assert (together[:, i] - alone[:, 0]).abs().max() < 1e-2


@pytest.mark.parametrize("inputs", [torch.rand(120, 1, 2, 2), torch.zeros(120, 5, dtype=torch.int64)])
def test_what_is_no_row_of_numbers_has_no_linear_baseline(inputs):
    assert linear_baseline.features_of(splits(classes(2), inputs), 1) is None


def test_wide_inputs_have_no_linear_baseline():
    assert linear_baseline.features_of(splits(classes(2), torch.rand(120, 2001)), 1) is None
