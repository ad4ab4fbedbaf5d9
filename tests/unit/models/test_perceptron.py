import pytest
import torch
from torch import Tensor

from dltk.config.errors import OptionError
from dltk.data.specs import Boxes, Nothing, Spec, Vector
from tests.unit.models.examples import THREE, TWO, VECTOR, made, one

CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def answers(weight: list[float], bias: float) -> list[int]:
    model = made("perceptron", one(Vector(2), TWO))
    model.load_state_dict({"weight": torch.tensor([weight]), "bias": torch.tensor([bias])})
    return [int(output > 0) for output in model(CORNERS)[:, 0]]


@pytest.mark.parametrize(
    ("weight", "bias", "truth"),
    [
        ([0.5, 0.5], -0.7, [0, 0, 0, 1]),
        ([1.0, 1.0], -0.5, [0, 1, 1, 1]),
        ([-0.5, -0.5], 0.7, [1, 1, 1, 0]),
    ],
    ids=["and", "or", "nand"],
)
def test_gates_by_hand_set_weights(weight, bias, truth):
    assert answers(weight, bias) == truth


def test_it_begins_at_zero_and_outputs_plain_sums():
    model = made("perceptron", one(VECTOR, THREE))
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == {"weight": (3, 5), "bias": (3,)}
    assert not any(p.any() for p in model.parameters())
    torch.nn.init.constant_(model.weight, 2.0)
    assert model(torch.ones(1, 5)).tolist() == [[10.0, 10.0, 10.0]]


def rosenblatt(truth: list[int], epochs: int) -> list[int]:
    """Learn one corner at a time by sum((step(a) - y).detach() * a) with a step of 1."""
    model = made("perceptron", one(Vector(2), TWO))

    def step(a: Tensor) -> Tensor:
        return (a > 0).float()

    for _ in range(epochs):
        for x, y in zip(CORNERS, torch.tensor(truth), strict=True):
            model.zero_grad()
            a = model(x[None])
            ((step(a) - y).detach() * a).sum().backward()
            with torch.no_grad():
                for p in model.parameters():
                    p.sub_(p.grad)
    return step(model(CORNERS))[:, 0].int().tolist()


@pytest.mark.parametrize("truth", [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0]])
def test_rosenblatts_rule_learns_what_a_line_can_part(truth):
    assert rosenblatt(truth, epochs=20) == truth


def test_rosenblatts_rule_cannot_learn_xor():
    assert rosenblatt([0, 1, 1, 0], epochs=50) != [0, 1, 1, 0]


def test_a_target_that_is_no_vector_is_refused():
    with pytest.raises(OptionError, match="predicts classes or numbers; the data's target is boxes"):
        made("perceptron", one(VECTOR, Boxes(("cat",))))
    with pytest.raises(OptionError, match="the data's target is nothing"):
        made("perceptron", Spec({"input": VECTOR}, {"label": Nothing()}))


def test_several_inputs_or_targets_are_refused_with_a_way_out():
    with pytest.raises(OptionError, match="takes one input; the data have a, b; the model graph"):
        made("perceptron", Spec({"b": VECTOR, "a": VECTOR}, {"label": TWO}))
    with pytest.raises(OptionError, match="predicts one target; the data have a, b; the model graph"):
        made("perceptron", Spec({"input": VECTOR}, {"b": TWO, "a": TWO}))
