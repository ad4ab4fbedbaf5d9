import pytest
import torch
from torch.nn import functional

from dltk.config.errors import OptionError
from dltk.data.fields import Ragged
from tests.unit.models.examples import BAG, THREE, TWO, VECTOR, made, one

BAGS = Ragged(torch.tensor([[0.0, 1.0], [3.0, 1.0], [5.0, 1.0]]), torch.tensor([0, 2, 3]))


@pytest.mark.parametrize("mode", ["mean", "sum"])
def test_vectors_are_combined_as_torch_does(mode):
    model = made("embedding_bag", one(BAG, THREE), mode=mode)
    combined = functional.embedding_bag(
        torch.tensor([0, 3, 5]), model.embedding.weight, torch.tensor([0, 2]), mode=mode
    )
    torch.testing.assert_close(model(BAGS), model.head(combined))


def test_initial_vectors_are_small():
    weight = made("embedding_bag", one(BAG, TWO), units=100).embedding.weight
    assert weight.abs().max() <= 0.01
    assert weight.std().item() == pytest.approx(0.01 / 3**0.5, rel=0.1)


def test_hidden_layers_stand_between():
    model = made("embedding_bag", one(BAG, TWO), units=4, hidden=[3], activation="tanh", dropout=0.5).eval()
    combined = functional.embedding_bag(torch.tensor([0, 3, 5]), model.embedding.weight, torch.tensor([0, 2]))
    torch.testing.assert_close(model(BAGS), model.head(model.layers[0](combined).tanh()))


def test_other_inputs_are_refused():
    with pytest.raises(OptionError, match="embedding_bag needs sparse bags; the data have vectors"):
        made("embedding_bag", one(VECTOR, TWO))
