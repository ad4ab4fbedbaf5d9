"""Sizes flow from the spec; an example batch has them."""

from typing import Any

import pytest
import torch

from dltk.data.specs import (
    Boxes,
    Classes,
    Column,
    Ids,
    Image,
    Masks,
    Nothing,
    Numbers,
    Series,
    Spec,
    Table,
    Tokens,
    Vector,
)

WORDS = ("a", "b", "c")
MODALITIES: dict[str, Any] = {
    "image": (Image(3, 4, 5), (2, 3, 4, 5), torch.float32),
    "table": (Table((Column("age"), Column("sex", ("f", "m"), 2))), (2, 3), torch.float32),
    "vector": (Vector(7), (2, 7), torch.float32),
    "tokens": (Tokens(WORDS, 6), (2, 6), torch.int64),
    "texts": (Tokens(WORDS), (2, 8), torch.int64),
    "series": (Series(9, ("t", "p")), (2, 9, 2), torch.float32),
    "ids": (Ids(10), (2,), torch.int64),
}
TARGETS: dict[str, Any] = {
    "binary": (Classes(("no", "yes")), (2,), torch.int64, 1),
    "classes": (Classes(WORDS), (2,), torch.int64, 3),
    "labels": (Classes(("no", "yes"), multi_label=True), (2, 2), torch.float32, 2),
    "numbers": (Numbers(("x", "y")), (2, 2), torch.float32, 2),
    "masks": (Masks(WORDS, ignore=255), (2, 4, 5), torch.int64, 3),
    "tokens": (Tokens(WORDS, 6), (2, 6), torch.int64, None),
}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", MODALITIES)
def test_an_example_has_the_shape_of_every_input(name, device):
    modality, shape, dtype = MODALITIES[name]
    batch: Any = Spec({"x": modality}, {}).example(2, device)
    assert (batch.inputs.shape, batch.inputs.dtype, batch.inputs.device.type) == (shape, dtype, device)
    assert modality.shape == shape[1:]
    assert modality.word
    assert batch.targets is None
    assert batch.num_samples == 2


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", TARGETS)
def test_an_example_has_the_shape_of_every_target(name, device):
    target, shape, dtype, num_outputs = TARGETS[name]
    batch: Any = Spec({"x": Image(3, 4, 5)}, {"y": target}).example(2, torch.device(device))
    assert (batch.targets.shape, batch.targets.dtype, batch.targets.device.type) == (shape, dtype, device)
    if num_outputs is not None:
        assert target.num_outputs == num_outputs


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_boxes_are_a_list_with_one_tensor_per_image(device):
    boxes: Any = Spec({"x": Image(3, 4, 5)}, {"y": Boxes(WORDS)}).example(2, device).targets
    assert [(tuple(box.shape), box.device.type) for box in boxes] == [((1, 5), device)] * 2
    assert Boxes(WORDS).num_outputs == 3


def test_several_inputs_and_targets_come_by_name():
    spec = Spec({"user": Ids(3), "item": Ids(4)}, {"a": Numbers(("x",)), "b": Classes(WORDS)})
    batch: Any = spec.example(5)
    assert {name: tuple(field.shape) for name, field in batch.inputs.items()} == {"user": (5,), "item": (5,)}
    assert {name: tuple(field.shape) for name, field in batch.targets.items()} == {"a": (5, 1), "b": (5,)}


def test_the_only_input_and_target_are_named_and_several_are_an_error():
    spec = Spec({"x": Vector(1)}, {"y": Classes(WORDS)})
    assert (spec.input, spec.target) == (Vector(1), Classes(WORDS))
    assert Spec({"x": Vector(1)}, {}).target == Nothing()
    with pytest.raises(ValueError, match=r"2 inputs \(user, item\), not one"):
        _ = Spec({"user": Ids(3), "item": Ids(4)}, {}).input
    with pytest.raises(ValueError, match=r"2 targets \(a, b\), not one"):
        _ = Spec({}, {"a": Nothing(), "b": Nothing()}).target


def test_nothing_asks_for_nothing():
    assert Spec({"x": Vector(1)}, {"y": Nothing()}).example(2).targets is None
    assert Nothing().num_outputs == 0


def test_numbers_go_to_a_models_units_and_back():
    prices = Numbers(("price", "tax"), ("EUR", ""), means=(50.0, 1.0), scales=(10.0, 4.0))
    numbers = torch.tensor([[60.0, 1.0], [40.0, 9.0]])
    assert prices.scaled(numbers).tolist() == [[1, 0], [-1, 2]]
    assert prices.unscaled(prices.scaled(numbers)).equal(numbers)
    assert Numbers(("x",)).scaled(numbers[:, :1]).equal(numbers[:, :1]), "without a scale they are as they are"
    assert prices.labels == ["price [EUR]", "tax"]
