from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from dltk.config.errors import DataError, OptionError, UsageError
from dltk.data.specs import Bag, Vector
from dltk.nn.roles import Estimator
from tests.unit.models.examples import BAG, LABELS, NUMBERS, THREE, TWO, VECTOR, bags, blocks, made, one


def features(seed: int = 0, n: int = 60) -> Tensor:
    return torch.poisson(torch.full((n, 5), 0.7), generator=torch.Generator().manual_seed(seed))


def classes(k: int, n: int = 60) -> Tensor:
    return torch.randint(k, (n,), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("target", [TWO, THREE])
@pytest.mark.parametrize("penalty", [0.1, 3.0])
def test_it_agrees_with_scikit_learn(target, penalty):
    x, y = features(), classes(len(target.names))
    model = made("logistic", one(VECTOR, target), C=penalty)
    model.fit(blocks(x, y))
    reference = LogisticRegression(C=penalty).fit(x.double().numpy(), y.numpy())
    expected = torch.from_numpy(reference.predict_log_proba(x.numpy())).float()
    logits = model(x)
    logs = torch.cat([torch.zeros_like(logits), logits], 1) if logits.shape[1] == 1 else logits
    torch.testing.assert_close(logs.log_softmax(1), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("weighting", ["none", "log_count_ratio"])
@pytest.mark.parametrize("target", [TWO, THREE])
def test_bags_are_sparse_vectors(target, weighting):
    x, y = features(), classes(len(target.names))
    dense, sparse = (made("logistic", one(kind, target), weighting=weighting) for kind in (Vector(5), Bag(5)))
    dense.fit(blocks(x, y))
    sparse.fit(blocks(bags(x), y))
    torch.testing.assert_close(sparse(bags(x)), dense(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("weighting", ["none", "log_count_ratio"])
@pytest.mark.parametrize("target", [TWO, THREE, LABELS])
@pytest.mark.parametrize("room", [0, 1 << 20], ids=["made anew in each pass", "kept"])
def test_sums_over_blocks_are_those_of_all_samples(target, weighting, room, monkeypatch):
    monkeypatch.setattr("dltk.nn.linear_classes.KEPT_BYTES", room)
    x, y = features(), classes(len(target.names))
    y = torch.stack([y, 1 - y], 1).float() if target is LABELS else y
    whole, pieces = (made("logistic", one(BAG, target), weighting=weighting) for _ in range(2))
    whole.fit(blocks(bags(x), y))
    pieces.fit(blocks(bags(x), y, 7))
    torch.testing.assert_close(pieces.weight, whole.weight, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(pieces.bias, whole.bias, atol=1e-5, rtol=1e-5)


def test_blocks_that_are_kept_give_the_bits_of_blocks_that_are_not(monkeypatch):
    x, y = features(), classes(3)
    kept, anew = (made("logistic", one(VECTOR, THREE)) for _ in range(2))
    kept.fit(blocks(x, y, 7))
    monkeypatch.setattr("dltk.nn.linear_classes.KEPT_BYTES", 0)
    anew.fit(blocks(x, y, 7))
    assert torch.equal(kept.weight, anew.weight)
    assert torch.equal(kept.bias, anew.bias)


def test_log_count_ratios_are_those_of_the_paper():
    """Wang & Manning 2012, section 2.1 and 2.2: r = log((p / |p|) / (q / |q|)), features f * r."""
    x, y = (features() > 0).float(), classes(2)
    model = made("logistic", one(VECTOR, TWO), weighting="log_count_ratio", C=0.5)
    model.fit(blocks(x, y))
    p, q = (1 + x[y == answer].sum(0).double().numpy() for answer in (1, 0))
    ratio = np.log((p / p.sum()) / (q / q.sum()))
    reference = LogisticRegression(C=0.5).fit(x.numpy() * ratio, y.numpy())
    expected = reference.decision_function(x.numpy() * ratio)
    np.testing.assert_allclose(model(x)[:, 0].numpy(), expected, atol=1e-4)


def test_several_labels_are_as_many_questions():
    x = features()
    labels = torch.stack([classes(2), torch.ones(60, dtype=torch.int64)], 1)
    both, single = made("logistic", one(VECTOR, LABELS)), made("logistic", one(VECTOR, TWO))
    both.fit(blocks(x, labels.float()))
    single.fit(blocks(x, labels[:, 0]))
    torch.testing.assert_close(both(x)[:, :1], single(x))
    torch.testing.assert_close(both(x)[:, 1], torch.tensor(61.0).log().expand(60))  # every sample has it


@pytest.mark.parametrize("present", [[0, 2], [1], [2]])
def test_a_class_without_samples_is_never_answered(present):
    x, y = features(), torch.tensor(present)[classes(len(present))]
    model = made("logistic", one(VECTOR, THREE))
    model.fit(blocks(x, y))
    assert set(model(x).argmax(1).tolist()) <= set(present)
    assert model(x).isfinite().all()


def test_counts_cannot_be_negative_for_ratios():
    model = made("logistic", one(VECTOR, TWO), weighting="log_count_ratio")
    with pytest.raises(DataError, match="log_count_ratio needs counts") as caught:
        model.fit(blocks(features() - 1, classes(2)))
    assert caught.value.found == "a value of -1"


def test_weights_that_are_not_found_are_a_data_error():
    model = made("logistic", one(VECTOR, TWO), C=1e6, max_iterations=1)
    with pytest.raises(DataError, match="has not found its weights") as caught:
        model.fit(blocks(features(), classes(2)))
    assert "model.C" in caught.value.do


def test_unfitted_it_answers_nothing():
    model = made("logistic", one(BAG, TWO))
    assert isinstance(made("logistic", one(BAG, TWO)), Estimator)
    assert model.state() == {}
    with pytest.raises(UsageError, match="not fitted"):
        model(features())


def test_numbers_are_refused():
    with pytest.raises(OptionError, match="logistic predicts classes"):
        made("logistic", one(VECTOR, NUMBERS))


def test_its_state_is_its_weights():
    x, y = features(), classes(3)
    first, second = (made("logistic", one(VECTOR, THREE)) for _ in range(2))
    first.fit(blocks(x, y))
    state: dict[str, Any] = first.state()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {"weight": (3, 5), "bias": (3,)}
    second.restore(state)
    assert torch.equal(first(x), second(x))
