import pytest
import torch
from sklearn.naive_bayes import BernoulliNB, MultinomialNB
from torch import Tensor

from dltk.config.errors import DataError, OptionError, UsageError
from dltk.data.specs import Bag, Classes
from dltk.nn.roles import Estimator
from tests.unit.models.examples import BAG, IMAGE, LABELS, NUMBERS, THREE, TWO, VECTOR, bags, blocks, made, one

REFERENCES = {"multinomial": MultinomialNB, "bernoulli": BernoulliNB}


def counts(seed: int = 0, n: int = 60) -> Tensor:
    return torch.poisson(torch.full((n, 5), 1.5), generator=torch.Generator().manual_seed(seed))


def classes(k: int, n: int = 60) -> Tensor:
    return torch.randint(k, (n,), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("distribution", ["multinomial", "bernoulli"])
@pytest.mark.parametrize("smoothing", [1.0, 0.3])
def test_several_classes_agree_with_scikit_learn(distribution, smoothing):
    x, y = counts(), classes(3)
    model = made("naive_bayes", one(VECTOR, THREE), distribution=distribution, smoothing=smoothing)
    model.fit(blocks(x, y))
    reference = REFERENCES[distribution](alpha=smoothing).fit(x.numpy(), y.numpy())
    new = counts(2)
    expected = torch.from_numpy(reference.predict_log_proba(new.numpy())).float()
    torch.testing.assert_close(model(new).log_softmax(1), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("distribution", ["multinomial", "bernoulli"])
def test_two_classes_give_the_log_odds_of_the_second(distribution):
    x, y = counts(), classes(2)
    model = made("naive_bayes", one(VECTOR, TWO), distribution=distribution)
    model.fit(blocks(x, y))
    logs = torch.from_numpy(REFERENCES[distribution]().fit(x.numpy(), y.numpy()).predict_log_proba(x.numpy())).float()
    torch.testing.assert_close(model(x), logs[:, 1:] - logs[:, :1], atol=1e-5, rtol=1e-5)


def test_several_labels_are_as_many_questions():
    x = counts()
    labels = torch.stack([classes(2), (x[:, 0] > 1).long()], 1)
    both = made("naive_bayes", one(VECTOR, LABELS))
    both.fit(blocks(x, labels.float()))
    for i in range(2):
        single = made("naive_bayes", one(VECTOR, TWO))
        single.fit(blocks(x, labels[:, i]))
        torch.testing.assert_close(both(x)[:, i : i + 1], single(x))


def test_bernoulli_asks_whether_a_value_is_above_the_threshold():
    x, y = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)), classes(3)
    model = made("naive_bayes", one(VECTOR, THREE), distribution="bernoulli", threshold=0.5)
    model.fit(blocks(x, y))
    reference = BernoulliNB(binarize=0.5).fit(x.numpy(), y.numpy())
    assert model(x).argmax(1).tolist() == reference.predict(x.numpy()).tolist()


@pytest.mark.parametrize("target", [TWO, THREE])
def test_counts_of_blocks_are_those_of_all_samples(target):
    whole, pieces = (made("naive_bayes", one(VECTOR, target)) for _ in range(2))
    whole.fit(blocks(counts(), classes(len(target.names))))
    pieces.fit(blocks(counts(), classes(len(target.names)), 7))
    assert torch.equal(pieces.weight, whole.weight)
    assert torch.equal(pieces.bias, whole.bias)


def test_a_class_without_samples_stays_finite_and_is_not_predicted():
    model = made("naive_bayes", one(VECTOR, Classes(("a", "b", "never"))))
    model.fit(blocks(counts(), classes(2)))
    assert model(counts()).isfinite().all()
    assert model(counts()).argmax(1).max() < 2


def test_images_are_laid_out_as_vectors():
    model = made("naive_bayes", one(IMAGE, TWO))
    model.fit(blocks(torch.rand(8, 1, 14, 12), torch.tensor([0, 1] * 4)))
    assert model(torch.rand(3, 1, 14, 12)).shape == (3, 1)


@pytest.mark.parametrize("name", ["naive_bayes", "ridge"])
def test_the_whole_state_is_what_was_fitted(name):
    spec = one(VECTOR, THREE if name == "naive_bayes" else NUMBERS)
    y = classes(3) if name == "naive_bayes" else torch.rand(60, 2)
    first, second = made(name, spec), made(name, spec)
    assert first.state() == {}
    assert first.state_dict() == {}
    assert list(first.parameters()) == []
    first.fit(blocks(counts(), y))
    second.restore(first.state())
    assert torch.equal(first(counts(2)), second(counts(2)))
    second.restore({})
    with pytest.raises(UsageError, match=f"{name} is not fitted"):
        second(counts())
    assert isinstance(second, Estimator)


def test_negative_counts_are_refused_with_a_way_out():
    model = made("naive_bayes", one(VECTOR, TWO))
    with pytest.raises(DataError) as error:
        model.fit(blocks(torch.tensor([[1.0, -2.5, 0, 0, 0]]), torch.tensor([0])))
    assert "a value of -2.5" in error.value.found
    assert "bernoulli" in error.value.do


def test_numbers_are_refused():
    with pytest.raises(OptionError, match="predicts classes; the data's target is numbers; ridge"):
        made("naive_bayes", one(VECTOR, NUMBERS))


@pytest.mark.parametrize("distribution", ["multinomial", "bernoulli"])
@pytest.mark.parametrize("target", [TWO, THREE, LABELS])
def test_bags_are_sparse_vectors(distribution, target):
    x = counts()
    y = classes(2)[:, None].repeat(1, 2).float() if target is LABELS else classes(len(target.names))
    dense, sparse = (made("naive_bayes", one(kind, target), distribution=distribution) for kind in (VECTOR, Bag(5)))
    dense.fit(blocks(x, y))
    sparse.fit(blocks(bags(x), y))
    torch.testing.assert_close(sparse(bags(x)), dense(x), atol=1e-5, rtol=1e-5)


def test_what_a_bag_has_not_cannot_count_as_there():
    with pytest.raises(OptionError, match="threshold: is out of range for sparse bags; found -1; allowed at least 0"):
        made("naive_bayes", one(BAG, TWO), distribution="bernoulli", threshold=-1)
