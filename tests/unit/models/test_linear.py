import torch

from tests.unit.models.examples import IMAGE, THREE, made, one


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
