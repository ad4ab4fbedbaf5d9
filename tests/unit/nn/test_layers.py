from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from dltk.config.errors import OptionError
from dltk.nn.layers import Layer, build_layers
from dltk.nn.shapes import Shape

VECTOR, SEQUENCE, IMAGE = (6,), (5, 6), (3, 8, 10)
IDS = Shape((5,), num_ids=7)


def built(shape: Shape | tuple[int, ...], *layers: dict[str, Any]) -> tuple[nn.Sequential, tuple[int, ...]]:
    start = shape if isinstance(shape, Shape) else Shape(shape)
    parsed = [TypeAdapter[Layer](Layer).validate_python(layer) for layer in layers]
    module, end = build_layers(parsed, start, "layers")
    return module, end.sizes


def refused(shape: Shape | tuple[int, ...], *layers: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(OptionError) as error:
        built(shape, *layers)
    return ".".join(map(str, error.value.path)), error.value.message


def conv(filters: int = 4, **options: Any) -> dict[str, Any]:
    return {"name": "conv2d", "filters": filters, **options}


@pytest.mark.parametrize(
    ("shape", "layer", "after"),
    [
        (VECTOR, {"name": "dense", "units": 4}, (4,)),
        (SEQUENCE, {"name": "dense", "units": 4}, (5, 4)),
        (IMAGE, conv(), (4, 6, 8)),
        (IMAGE, conv(kernel_size=(1, 3)), (4, 8, 8)),
        (IMAGE, conv(kernel_size=5, padding=1), (4, 6, 8)),
        (IMAGE, conv(kernel_size=3, padding="same", stride=2), (4, 4, 5)),
        (IMAGE, {"name": "max_pool2d"}, (3, 4, 5)),
        (IMAGE, {"name": "avg_pool2d", "size": 3, "stride": 1}, (3, 6, 8)),
        (IMAGE, {"name": "max_pool2d", "size": 3, "stride": 2, "padding": 1}, (3, 4, 5)),
        (IMAGE, conv(6, groups=3, padding="same"), (6, 8, 10)),
        (IMAGE, {"name": "conv_transpose2d", "filters": 4}, (4, 10, 12)),
        (IMAGE, {"name": "conv_transpose2d", "filters": 4, "stride": 2, "padding": "same"}, (4, 16, 20)),
        (IMAGE, {"name": "conv_transpose2d", "filters": 4, "kernel_size": 4, "stride": 2, "padding": 1}, (4, 16, 20)),
        (IMAGE, {"name": "upsample"}, (3, 16, 20)),
        (IMAGE, {"name": "upsample", "scale": 3, "mode": "bilinear"}, (3, 24, 30)),
        (IMAGE, {"name": "global_avg_pool2d"}, (3,)),
        (IMAGE, {"name": "global_max_pool2d"}, (3,)),
        (IMAGE, {"name": "flatten"}, (240,)),
        (IMAGE, {"name": "reshape", "shape": (12, 5, 4)}, (12, 5, 4)),
        (VECTOR, {"name": "reshape", "shape": (1, 2, 3)}, (1, 2, 3)),
        (IMAGE, {"name": "reshape", "shape": (24, 10)}, (24, 10)),
        (SEQUENCE, {"name": "flatten"}, (30,)),
        (SEQUENCE, {"name": "dropout", "rate": 0.3}, SEQUENCE),
        (VECTOR, {"name": "batch_norm"}, VECTOR),
        (IMAGE, {"name": "batch_norm", "momentum": 0.01}, IMAGE),
        (VECTOR, {"name": "layer_norm"}, VECTOR),
        (SEQUENCE, {"name": "layer_norm"}, SEQUENCE),
        (IMAGE, {"name": "layer_norm"}, IMAGE),
        (IMAGE, {"name": "group_norm", "groups": 3}, IMAGE),
        (IMAGE, {"name": "activation", "function": "gelu"}, IMAGE),
        (IDS, {"name": "embedding", "units": 4}, (5, 4)),
        (Shape((), num_ids=7), {"name": "embedding", "units": 4}, (4,)),
        (SEQUENCE, {"name": "rnn", "units": 4}, (4,)),
        (SEQUENCE, {"name": "lstm", "units": 4, "layers": 2, "bidirectional": True}, (8,)),
        (SEQUENCE, {"name": "gru", "units": 4, "bidirectional": True, "return_sequences": True}, (5, 8)),
    ],
)
def test_the_foretold_shape_is_the_one_that_comes_out(shape, layer, after):
    module, foretold = built(shape, layer)
    start = shape if isinstance(shape, Shape) else Shape(shape)
    x = torch.randn(2, *start.sizes) if start.num_ids is None else torch.zeros(2, *start.sizes, dtype=torch.int64)
    assert foretold == after
    assert module(x).shape == (2, *after)


def test_a_colour_picture_of_64_pixels_flattens_to_12288_values():
    assert built((3, 64, 64), {"name": "flatten"})[1] == (12288,)


def test_a_convolution_and_a_pool_shrink_a_picture_as_in_the_course():
    assert built((1, 120, 160), conv(12, kernel_size=5))[1] == (12, 116, 156)
    assert built((1, 120, 160), conv(12, kernel_size=5), {"name": "max_pool2d"})[1] == (12, 58, 78)
    assert built((1, 120, 160), conv(12, kernel_size=5, padding="same"))[1] == (12, 120, 160)


@pytest.mark.parametrize(
    ("x", "weights", "product"),
    [
        ([[1.0, 2.0]], [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]], [[5.0, 11.0, 17.0]]),
        ([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[19.0, 22.0], [43.0, 50.0]]),
    ],
)
def test_dense_is_a_product_of_matrices(x, weights, product):
    module, _ = built((2,), {"name": "dense", "units": len(weights[0])})
    module.load_state_dict({"0.weight": torch.tensor(weights).T, "0.bias": torch.zeros(len(weights[0]))})
    assert module(torch.tensor(x)).tolist() == product


def test_an_embedding_with_unit_vectors_is_one_hot():
    module, after = built(Shape((2,), num_ids=4), {"name": "embedding", "units": 4})
    module.load_state_dict({"0.weight": torch.eye(4)})
    phrases = torch.tensor([[0, 1], [0, 2], [0, 3]])
    assert after == (2, 4)
    assert module(phrases).shape == (3, 2, 4)
    assert module(phrases).argmax(-1).tolist() == phrases.tolist()


def test_same_padding_keeps_the_size_with_stride_1_and_halves_it_with_2():
    for kernel in (1, 3, 5, (3, 7)):
        assert built((1, 9, 10), conv(kernel_size=kernel, padding="same"))[1] == (4, 9, 10)
        assert built((1, 9, 10), conv(kernel_size=kernel, padding="same", stride=2))[1] == (4, 5, 5)


def test_pools_keep_the_largest_value_or_the_mean():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert built((1, 4, 4), {"name": "max_pool2d"})[0](x).flatten().tolist() == [5, 7, 13, 15]
    assert built((1, 4, 4), {"name": "avg_pool2d"})[0](x).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert built((1, 4, 4), {"name": "global_avg_pool2d"})[0](x).item() == 7.5


def test_a_global_max_pool_keeps_each_channels_largest_value():
    x = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert built((2, 2, 2), {"name": "global_max_pool2d"})[0](x).tolist() == [[3, 7]]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_transposed_convolution_with_same_padding_gives_the_size_times_the_stride_or_says_why_not(kernel, stride):
    layer = {"name": "conv_transpose2d", "filters": 1, "kernel_size": kernel, "stride": stride, "padding": "same"}
    if kernel < stride or (stride == 1 and kernel % 2 == 0):
        assert refused((1, 5, 7), layer)[0] == "layers.0.kernel_size"
    else:
        assert built((1, 5, 7), layer)[1] == (1, 5 * stride, 7 * stride)


def test_reshape_keeps_the_order_of_values():
    module, _ = built(VECTOR, {"name": "reshape", "shape": (2, 3)})
    assert module(torch.arange(6.0)[None]).tolist() == [[[0, 1, 2], [3, 4, 5]]]


def test_parameters_are_named_by_the_position_in_the_list_whatever_stands_between():
    module, _ = built(
        IMAGE,
        conv(activation="relu"),
        {"name": "batch_norm"},
        {"name": "flatten"},
        {"name": "dropout"},
        {"name": "dense", "units": 2, "activation": "prelu"},
    )
    names = [name for name, _ in module.named_parameters()]
    assert names == ["0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias", "4_activation.weight"]


@pytest.mark.parametrize(("activation", "expected"), [("identity", -6.0), ("relu", 0.0)])
def test_the_activation_of_a_layer_is_applied(activation, expected):
    module, _ = built(VECTOR, {"name": "dense", "units": 1, "activation": activation})
    module.load_state_dict({"0.weight": torch.full((1, 6), -1.0), "0.bias": torch.zeros(1)})
    assert module(torch.ones(1, 6)).item() == expected


def test_finding_shapes_leaves_random_numbers_alone():
    torch.manual_seed(1)
    expected = nn.Linear(6, 4).weight
    torch.manual_seed(1)
    module, _ = built(VECTOR, {"name": "dense", "units": 4}, {"name": "dropout"})
    assert torch.equal(dict(module.named_parameters())["0.weight"], expected)


def test_no_layers_change_nothing():
    module, after = built(VECTOR)
    assert after == VECTOR
    assert torch.equal(module(torch.ones(2, 6)), torch.ones(2, 6))


@pytest.mark.parametrize(
    ("shape", "layers", "path", "message"),
    [
        (
            IMAGE,
            [{"name": "dense", "units": 4}],
            "layers.0",
            "dense needs a vector (D,) or a sequence (T, D); it receives",
        ),
        (IMAGE, [{"name": "dense", "units": 4}], "layers.0", "put flatten first"),
        (VECTOR, [{"name": "dropout"}, conv()], "layers.1", "conv2d needs an image (C, H, W); it receives (6,)"),
        (SEQUENCE, [{"name": "max_pool2d"}], "layers.0", "max_pool2d needs an image (C, H, W); it receives (5, 6)"),
        (VECTOR, [{"name": "global_avg_pool2d"}], "layers.0", "global_avg_pool2d needs an image"),
        (VECTOR, [{"name": "lstm", "units": 3}], "layers.0", "lstm needs a sequence (T, D); it receives (6,)"),
        (SEQUENCE, [{"name": "batch_norm"}], "layers.0", "batch_norm needs a vector (D,) or an image (C, H, W)"),
        (IDS, [{"name": "dense", "units": 4}], "layers.0", "it receives ids (5,); put an embedding first"),
        (IDS, [{"name": "flatten"}], "layers.0", "flatten needs numbers; it receives ids (5,)"),
        (VECTOR, [{"name": "embedding", "units": 4}], "layers.0", "embedding needs tokens or ids"),
        (IMAGE, [conv(kernel_size=9)], "layers.0.kernel_size", "a window of 9x9 leaves nothing of 8x10 pixels"),
        (IMAGE, [conv(kernel_size=2, padding="same")], "layers.0.kernel_size", "an even size has no middle"),
        (IMAGE, [conv(groups=2)], "layers.0.groups", "must divide the number of channels"),
        (IMAGE, [conv(4, groups=3)], "layers.0.groups", "must divide the number of filters"),
        (IMAGE, [{"name": "group_norm", "groups": 2}], "layers.0.groups", "must divide the number of channels"),
        (
            IMAGE,
            [{"name": "max_pool2d", "padding": 2}],
            "layers.0.padding",
            "is more than half the size, 2",
        ),
        (
            (1, 1, 1),
            [{"name": "conv_transpose2d", "filters": 1, "padding": 2}],
            "layers.0.padding",
            "cuts everything off (1, 1, 1)",
        ),
        (VECTOR, [{"name": "reshape", "shape": (4, 2)}], "layers.0.shape", "must hold the 6 values it receives"),
        (IDS, [{"name": "reshape", "shape": (5, 1)}], "layers.0", "reshape needs numbers"),
        (VECTOR, [{"name": "upsample"}], "layers.0", "upsample needs an image"),
        (IMAGE, [{"name": "avg_pool2d", "size": 9}], "layers.0.size", "a window of 9x9 leaves nothing of 8x10 pixels"),
    ],
)
def test_a_layer_that_cannot_take_what_it_receives_says_so(shape, layers, path, message):
    where, what = refused(shape, *layers)
    assert where == path
    assert message in what


def test_a_picture_that_is_halved_too_often_is_refused_at_the_layer_that_finds_nothing():
    assert refused((1, 7, 7), *[{"name": "max_pool2d"}] * 3)[0] == "layers.2.size"
