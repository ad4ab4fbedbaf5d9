import pytest
import torch
from sklearn.linear_model import LinearRegression, Ridge
from torch import Tensor

from dltk.config.errors import DataError, OptionError
from dltk.data.specs import Numbers, Vector
from tests.unit.models.examples import NUMBERS, TWO, VECTOR, blocks, made, one


def samples(n: int, d: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=generator) + 3
    y = x @ torch.randn(d, 2, generator=generator) + torch.randn(n, 2, generator=generator) + 100
    return x, y


def in_units(outputs: Tensor) -> Tensor:
    return outputs * torch.tensor(NUMBERS.scales) + torch.tensor(NUMBERS.means)


@pytest.mark.parametrize("alpha", [1.0, 25.0])
@pytest.mark.parametrize(("n", "d"), [(40, 5), (6, 20)], ids=["more samples", "more features"])
def test_predictions_agree_with_scikit_learn(alpha, n, d):
    x, y = samples(n, d)
    model = made("ridge", one(Vector(d), NUMBERS), alpha=alpha)
    model.fit(blocks(x, y))
    expected = torch.from_numpy(Ridge(alpha).fit(x.double().numpy(), y.double().numpy()).predict(x.double().numpy()))
    torch.testing.assert_close(in_units(model(x)), expected.float(), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("n", "d"), [(40, 5), (6, 20)], ids=["more samples", "more features"])
def test_sums_over_blocks_are_those_of_all_samples(n, d):
    x, y = samples(n, d)
    whole, pieces = (made("ridge", one(Vector(d), NUMBERS)) for _ in range(2))
    whole.fit(blocks(x, y))
    pieces.fit(blocks(x, y, 4))
    torch.testing.assert_close(pieces.weight, whole.weight)
    torch.testing.assert_close(pieces.bias, whole.bias)


def test_a_tiny_alpha_is_least_squares():
    x, y = samples(40)
    model = made("ridge", one(VECTOR, NUMBERS), alpha=1e-8)
    model.fit(blocks(x, y))
    expected = LinearRegression().fit(x.double().numpy(), y.double().numpy()).predict(x.double().numpy())
    torch.testing.assert_close(in_units(model(x)), torch.from_numpy(expected).float(), atol=1e-4, rtol=1e-5)


def test_the_bias_is_not_held_small():
    model = made("ridge", one(VECTOR, Numbers(("y",))), alpha=1e6)
    model.fit(blocks(samples(40)[0], torch.full((40, 1), 1000.0)))
    assert model(samples(3)[0]).flatten().tolist() == pytest.approx([1000.0] * 3)


def test_equal_features_need_a_larger_alpha():
    x = torch.ones(8, 1) * torch.arange(8.0)[:, None] * 1e6
    model = made("ridge", one(Vector(3), Numbers(("y",))), alpha=1e-8)
    with pytest.raises(DataError, match="features depend on each other"):
        model.fit(blocks(x.repeat(1, 3), torch.rand(8, 1)))


def test_classes_are_refused():
    with pytest.raises(OptionError, match="predicts numbers; the data's target is classes; naive_bayes"):
        made("ridge", one(VECTOR, TWO))
