"""Trees come back as they were: every kind of value, key and tensor."""

import json
import math

import pytest
import safetensors.torch
import torch

from dltk.training.saving.packing import Packed
from dltk.training.saving.trees import copied, decode, encode, tensors_in


def again(tree):
    """Encode, pass through strict JSON and safetensors, decode."""
    plain, tensors = encode(tree, "tree")
    packed = b"".join(Packed(tensors))
    return decode(json.loads(json.dumps(plain, allow_nan=False)), safetensors.torch.load(packed))


@pytest.mark.parametrize(
    "tree",
    [
        None,
        True,
        -3,
        2**80,
        0.1,
        -0.0,
        math.inf,
        -math.inf,
        "",
        "ä\n\x00 \udce4 🚀",
        [],
        {},
        (),
        {"a": {"b": [1, (2.5, "c"), {"d": None}]}},
        {1: "int", "1": "text", None: "none", 2.5: "float", (1, "a"): "tuple"},
        {"$tensor": "a", "$items": 1, "$": {"$tuple": []}},
        {"params": [0, 1], "betas": (0.9, 0.999), "state": {0: {"step": 3}}},
    ],
    ids=repr,
)
def test_plain_values_come_back_as_they_were(tree):
    back = again(tree)
    assert back == tree
    assert repr(back) == repr(tree), "same types and order, and -0.0 is not 0.0"


def test_nan_comes_back_as_nan():
    assert math.isnan(again({"score": math.nan})["score"])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(3.5),
        torch.zeros(0, 3),
        torch.tensor([math.nan, math.inf, -math.inf, -0.0]),
        torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
        torch.tensor([1.5], dtype=torch.float16),
        torch.tensor([0.1], dtype=torch.float64),
        torch.tensor([2**62, -1]),
        torch.tensor([7, 255], dtype=torch.uint8),
        torch.tensor([True, False]),
        torch.arange(12.0).reshape(3, 4).T,
        torch.arange(12.0)[::3],
        torch.ones(1).expand(4),
        torch.nn.Parameter(torch.ones(2)),
    ],
    ids=lambda tensor: f"{tensor.dtype}-{list(tensor.shape)}",
)
def test_tensors_come_back_bit_for_bit(tensor):
    back = again([tensor])[0]
    expected = tensor.detach().contiguous()
    assert (back.dtype, back.shape, back.is_contiguous()) == (expected.dtype, expected.shape, True)
    assert back.flatten().view(torch.uint8).equal(expected.flatten().view(torch.uint8))


def test_tensors_that_share_memory_come_back_apart():
    shared = torch.arange(4.0)
    back = again({"whole": shared, "part": shared[1:], "again": shared})
    back["whole"][1] = 99
    assert back["part"].tolist() == [1, 2, 3]
    assert back["again"].tolist() == [0, 1, 2, 3]


def test_keys_with_slashes_do_not_mix_tensors_up():
    tree = {"a/b": torch.tensor(1), "a": {"b": torch.tensor(2)}, "c": {1: torch.tensor(3), "1": torch.tensor(4)}}
    back = again(tree)
    assert (back["a/b"], back["a"]["b"], back["c"][1], back["c"]["1"]) == (1, 2, 3, 4)


def test_encoding_copies_nothing():
    tensor = torch.zeros(2)
    _, tensors = encode(tensor, "weight")
    assert tensors["weight"].data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize(
    "value", [{1, 2}, b"bytes", object(), 1j, lambda: None], ids=lambda value: type(value).__name__
)
def test_what_cannot_be_stored_is_named_with_its_place(value):
    with pytest.raises(TypeError, match=r"state/a/0: only tensors, numbers, text.*received"):
        encode({"a": [value]}, "state")


def test_a_copy_does_not_change_with_the_original():
    first, second = torch.zeros(2), torch.zeros(2)
    copy = copied({"list": [first], "tuple": (second, 3), "text": "a"})
    first += 1
    second += 1
    assert copy["list"][0].tolist() == copy["tuple"][0].tolist() == [0, 0]
    assert (copy["tuple"][1], copy["text"]) == (3, "a")


def test_tensors_are_found_with_their_paths():
    tree = {"a": [torch.tensor(1), {"b": torch.tensor(2)}], "c": (torch.tensor(3), 4)}
    assert [(path, int(tensor)) for path, tensor in tensors_in(tree)] == [("a.0", 1), ("a.1.b", 2), ("c.0", 3)]
