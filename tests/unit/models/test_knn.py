"""k nearest neighbours against scikit-learn's."""

from typing import Any

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from dltk.config.errors import UsageError
from dltk.data.specs import Classes, Numbers, Spec, Table
from tests.unit.models.examples import LABELS, NUMBERS, TABLE, THREE, TWO, blocks, made, one

GENERATOR = torch.Generator().manual_seed(0)
WIDTH = one(TABLE, TWO).input.shape[0]
X, NEW = torch.randn(60, WIDTH, generator=GENERATOR), torch.randn(20, WIDTH, generator=GENERATOR)


def fitted(target: Any, targets: Any, **options: Any) -> Any:
    model: Any = made("knn", one(TABLE, target), **options)
    model.fit(blocks(X, targets))
    return model


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("neighbors", [1, 4, 100])
def test_classes_are_those_of_scikit_learn(neighbors, weights):
    y = torch.randint(0, 3, (60,), generator=GENERATOR)
    reference = KNeighborsClassifier(min(neighbors, 60), weights=weights).fit(X.numpy(), y.numpy())
    shares = fitted(THREE, y, neighbors=neighbors, weighting=weights)(NEW).exp()
    torch.testing.assert_close(shares, torch.tensor(reference.predict_proba(NEW.numpy())).float(), atol=1e-5, rtol=1e-4)


def test_two_classes_give_one_logit():
    y = (X[:, 0] > 0).long()
    reference = KNeighborsClassifier(5).fit(X.numpy(), y.numpy())
    odds = fitted(TWO, y)(NEW)
    assert odds.shape == (20, 1)
    torch.testing.assert_close(odds.sigmoid()[:, 0], torch.tensor(reference.predict_proba(NEW.numpy()))[:, 1].float())


def test_several_labels_are_as_many_questions():
    y = torch.randint(0, 2, (60, len(LABELS.names)), generator=GENERATOR).float()
    reference = KNeighborsRegressor(5).fit(X.numpy(), y.numpy())
    shares = fitted(LABELS, y)(NEW).sigmoid()
    torch.testing.assert_close(shares, torch.tensor(reference.predict(NEW.numpy())).float(), atol=1e-5, rtol=1e-4)


def test_numbers_are_means_in_scaled_units():
    y = torch.randn(60, len(NUMBERS.names), generator=GENERATOR) * 7 + 100
    target = Numbers(NUMBERS.names, means=(100.0,) * y.shape[1], scales=(7.0,) * y.shape[1])
    reference = KNeighborsRegressor(5, weights="distance").fit(X.numpy(), y.numpy())
    outputs = fitted(target, y, weighting="distance")(NEW) * 7 + 100
    torch.testing.assert_close(outputs, torch.tensor(reference.predict(NEW.numpy())).float(), atol=1e-3, rtol=1e-4)


def test_a_training_sample_is_its_own_nearest_neighbour():
    y = torch.randint(0, 3, (60,), generator=GENERATOR)
    model = fitted(THREE, y, weighting="distance")
    assert model(X).argmax(1).equal(y)


def test_it_answers_nothing_before_it_has_seen_something():
    spec = Spec({"table": Table(TABLE.columns)}, {"label": Classes(("a", "b"))})
    with pytest.raises(UsageError, match="not fitted"):
        made("knn", spec)(torch.zeros(1, WIDTH))
