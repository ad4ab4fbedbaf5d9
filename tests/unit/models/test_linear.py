import torch

from dltk.data.fields import Ragged
from tests.unit.models.examples import BAG, IMAGE, THREE, made, one


def test_an_image_is_weighed_value_by_value():
    torch.manual_seed(0)
    model = made("linear", one(IMAGE, THREE))
    x = torch.rand(2, 1, 14, 12)
    torch.testing.assert_close(model(x), x.reshape(2, -1) @ model.weight.T + model.bias)


def test_initial_weights_are_those_of_torch():
    torch.manual_seed(0)
    model = made("linear", one(IMAGE, THREE))
    torch.manual_seed(0)
    assert torch.equal(model.weight, torch.nn.Linear(14 * 12, 3).weight)


def test_bags_are_weighed_id_by_id():
    torch.manual_seed(0)
    model = made("linear", one(BAG, THREE))
    bags = Ragged(torch.tensor([[1.0, 2.0], [4.0, 0.5]]), torch.tensor([0, 2, 2]))
    expected = torch.stack([2 * model.weight[:, 1] + 0.5 * model.weight[:, 4], torch.zeros(3)]) + model.bias
    torch.testing.assert_close(model(bags), expected)
