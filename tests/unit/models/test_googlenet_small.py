import pytest
import torch

from dltk.config.errors import OptionError
from dltk.data.specs import Image
from dltk.models.googlenet_small import WIDTHS
from tests.unit.models.examples import THREE, made, one

CIFAR = one(Image(3, 32, 32), THREE)


def test_blocks_have_the_outputs_of_the_paper():
    """Szegedy et al. 2015, table 1, output size."""
    with torch.device("meta"):
        model = made("googlenet_small", CIFAR, width=1.0)
    outputs = [model.get_submodule(f"inception_{name}").num_outputs for name in WIDTHS]
    assert outputs == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert model.head.in_features == 1024


def test_the_width_scales_every_layer():
    with torch.device("meta"):
        model = made("googlenet_small", CIFAR)
    assert model.stem.conv.out_channels == 48
    assert model.get_submodule("inception_5b").num_outputs == 256
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(0.4e6, rel=0.1)


def test_the_four_branches_stand_side_by_side():
    block = made("googlenet_small", CIFAR, width=0.1).get_submodule("inception_3a").eval()
    x = torch.rand(1, 19, 6, 6)
    expected = [branch(x) for branch in (block.one, block.three, block.five, block.pooled)]
    assert torch.equal(block(x), torch.cat(expected, dim=1))


@pytest.mark.parametrize("image", [Image(1, 4, 4), Image(3, 5, 31)])
def test_every_size_from_4_pixels_on_works(image):
    assert made("googlenet_small", one(image, THREE), width=0.05)(torch.rand(2, *image.shape)).shape == (2, 3)


def test_smaller_images_are_refused():
    with pytest.raises(OptionError, match="needs images of at least 4x4 pixels; the data have 3x8"):
        made("googlenet_small", one(Image(1, 3, 8), THREE))
