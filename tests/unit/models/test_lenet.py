import pytest
import torch

from dltk.config.errors import OptionError
from dltk.data.specs import Image
from dltk.nn.folding import has_foldable
from tests.unit.models.examples import TABLE, THREE, made, one


def test_on_32_pixels_16_maps_of_5x5_reach_the_dense_layers():
    model = made("lenet", one(Image(1, 32, 32), THREE))
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv2.weight": (16, 6, 5, 5),
        "dense1.weight": (120, 400),
        "dense2.weight": (84, 120),
        "head.weight": (3, 84),
    }


def test_28_pixels_are_padded_to_32_so_that_the_weights_are_the_same():
    shapes = [
        {name: p.shape for name, p in made("lenet", one(Image(1, size, size), THREE)).named_parameters()}
        for size in (28, 32)
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("image", [Image(1, 12, 12), Image(3, 12, 50), Image(2, 31, 33), Image(1, 64, 45)])
def test_every_size_from_12_pixels_on_works(image):
    assert made("lenet", one(image, THREE))(torch.rand(2, *image.shape)).shape == (2, 3)


@pytest.mark.parametrize("image", [Image(1, 11, 28), Image(1, 8, 8)])
def test_smaller_images_are_refused(image):
    with pytest.raises(OptionError, match=rf"at least 12x12 pixels; the data have {image.height}x{image.width}"):
        made("lenet", one(image, THREE))


def test_a_table_is_refused():
    with pytest.raises(OptionError, match="lenet looks at images; the data are a table"):
        made("lenet", one(TABLE, THREE))


def test_the_original_s_activation_and_pooling_can_be_chosen():
    model = made("lenet", one(Image(1, 28, 28), THREE), activation="tanh", pooling="mean")
    assert isinstance(model.activation, torch.nn.Tanh)
    assert isinstance(model.pool, torch.nn.AvgPool2d)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pooling_before_relu_changes_no_bit_of_outputs_and_gradients(layout):
    torch.manual_seed(0)
    image = Image(1, 28, 28)
    model = made("lenet", one(image, THREE)).to(memory_format=layout)
    x = (torch.rand(8, *image.shape) - 0.5) * (torch.rand(8, *image.shape) > 0.5)  # with ties, as images have
    x[0] = 0
    found = []
    for model.pools_first in (True, False):
        model.zero_grad()
        outputs = model(x)
        outputs.square().sum().backward()
        found.append([outputs, *(each.grad for each in model.parameters())])
    assert all(torch.equal(first, second) for first, second in zip(*found, strict=True))
    assert made("lenet", one(image, THREE)).pools_first
    assert not made("lenet", one(image, THREE), activation="tanh").pools_first
    assert not made("lenet", one(image, THREE), pooling="mean").pools_first


@pytest.mark.parametrize(
    ("channels", "options", "expected"),
    [
        (1, {}, True),
        (3, {}, True),
        (4, {}, False),
        (1, {"activation": "tanh"}, False),
        (1, {"pooling": "mean"}, False),
    ],
)
def test_the_first_convolution_of_pictures_may_be_in_one_with_its_pool(channels, options, expected):
    assert has_foldable(made("lenet", one(Image(channels, 28, 28), THREE), **options)) == expected
