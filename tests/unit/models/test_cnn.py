import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.config.settings import SettingsError
from dltk.data.specs import Image
from tests.unit.models.examples import TABLE, THREE, made, one

MNIST = one(Image(1, 28, 28), THREE)


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")}


def test_names_follow_the_places_in_the_list():
    model = made("cnn", MNIST, layers=[32, "pool", 64, "pool", 128, "pool"], hidden=[50])
    assert shapes(model) == {
        "layers.0.weight": (32, 1, 3, 3),
        "layers.2.weight": (64, 32, 3, 3),
        "layers.4.weight": (128, 64, 3, 3),
        "dense.0.weight": (50, 128 * 3 * 3),
        "head.weight": (3, 50),
    }


def test_several_convolutions_may_stand_between_two_pools():
    model = made("cnn", MNIST, layers=[8, 9, "pool", 10], kernel_size=5)
    assert shapes(model) == {
        "layers.0.weight": (8, 1, 5, 5),
        "layers.1.weight": (9, 8, 5, 5),
        "layers.3.weight": (10, 9, 5, 5),
        "head.weight": (3, 10 * 14 * 14),
    }


@pytest.mark.parametrize("readout", ["mean", "max"])
def test_a_mean_or_maximum_makes_the_head_the_same_for_every_size(readout):
    for size in (8, 31):
        model = made("cnn", one(Image(3, size, size), THREE), layers=[4, "pool"], readout=readout)
        assert model.head.weight.shape == (3, 4)
        assert model(torch.rand(2, 3, size, size)).shape == (2, 3)


@pytest.mark.parametrize("image", [Image(1, 4, 4), Image(2, 7, 5), Image(3, 9, 16)])
def test_odd_sizes_work(image):
    assert made("cnn", one(image, THREE))(torch.rand(2, *image.shape)).shape == (2, 3)


def test_batch_norm_replaces_the_bias_it_would_take_away():
    model = made("cnn", MNIST, layers=[4, "pool"], batch_norm=True)
    names = [name for name, _ in model.named_parameters()]
    assert names == ["layers.0.weight", "layers.0_norm.weight", "layers.0_norm.bias", "head.weight", "head.bias"]


def test_values_are_dropped_after_pools_and_before_dense_layers():
    model = made("cnn", MNIST, layers=[4, "pool"], hidden=[5], pool_dropout=0.1, dropout=0.5)
    dropouts = {name: module.p for name, module in model.named_modules() if isinstance(module, nn.Dropout)}
    assert dropouts == {"layers.1_dropout": 0.1, "dense.0_dropout": 0.5, "dropout": 0.5}


def test_pooling_and_activation_can_be_chosen():
    model = made("cnn", MNIST, layers=[4, "pool"], pooling="mean", activation="tanh")
    kinds = [type(module) for module in model.layers]
    assert kinds == [nn.Conv2d, nn.Tanh, nn.AvgPool2d]


def test_pools_that_would_find_nothing_are_refused():
    with pytest.raises(OptionError, match=r"cnn needs images of at least 8x8 pixels; the data have 7x9; or take fewer"):
        made("cnn", one(Image(1, 7, 9), THREE), layers=[4, "pool", "pool", "pool"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 4}, "kernel_size: an even size has no middle; found 4; allowed an odd number, such as 3 or 5"),
        ({"layers": []}, "layers: "),
        ({"layers": [8, "poool"]}, r"layers\.1: "),
        ({"layers": [0]}, r"layers\.0: "),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(SettingsError, match=message):
        made("cnn", MNIST, **options)


def test_a_table_is_refused():
    with pytest.raises(OptionError, match="cnn looks at images; the data are a table"):
        made("cnn", one(TABLE, THREE))
