import pytest
import torch

from dltk.config.settings import SettingsError
from dltk.data.specs import Vector
from tests.unit.models.examples import THREE, TWO, VECTOR, made, one


def test_xor_is_and_of_nand_and_or():
    model = made("mlp", one(Vector(2), TWO), hidden=[2], activation="step")
    nand_or = {"layers.0.weight": torch.tensor([[-0.5, -0.5], [1.0, 1.0]]), "layers.0.bias": torch.tensor([0.7, -0.5])}
    model.load_state_dict({**nand_or, "head.weight": torch.tensor([[0.5, 0.5]]), "head.bias": torch.tensor([-0.7])})
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert (model(corners)[:, 0] > 0).int().tolist() == [0, 1, 1, 0]


def test_parameters_are_named_by_the_hidden_layer_whatever_stands_between():
    model = made("mlp", one(VECTOR, THREE), hidden=[4, 2], batch_norm=True, dropout=0.5)
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert shapes == {
        "layers.0.weight": (4, 5),
        "layers.0.bias": (4,),
        "layers.0_norm.weight": (4,),
        "layers.0_norm.bias": (4,),
        "layers.1.weight": (2, 4),
        "layers.1.bias": (2,),
        "layers.1_norm.weight": (2,),
        "layers.1_norm.bias": (2,),
        "head.weight": (3, 2),
        "head.bias": (3,),
    }


def test_it_is_the_network_that_torch_would_build():
    torch.manual_seed(0)
    model = made("mlp", one(VECTOR, THREE), hidden=[4], activation="tanh")
    torch.manual_seed(0)
    reference = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    x = torch.randn(6, 5)
    assert torch.equal(model(x), reference(x))


def test_dropout_only_acts_while_training():
    model = made("mlp", one(VECTOR, THREE), dropout=0.5)
    x = torch.randn(6, 5)
    assert not torch.equal(model.train()(x), model.train()(x))
    assert torch.equal(model.eval()(x), model.eval()(x))


@pytest.mark.parametrize("options", [{"hidden": [0]}, {"hidden": 8}, {"activation": "softmax"}, {"dropout": 1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(SettingsError):
        made("mlp", one(VECTOR, THREE), **options)
