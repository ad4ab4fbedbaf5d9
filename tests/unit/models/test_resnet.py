"""ResNet for small images: the layers of the paper, and the published weights."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dltk.config import registry
from dltk.config.errors import OptionError
from dltk.config.settings import SettingsError
from dltk.data.specs import Classes, Image
from dltk.nn.foreign import read_foreign, refuse_misfits, renamed
from tests.unit.models.examples import THREE, made, one

CIFAR = one(Image(3, 32, 32), Classes(tuple("0123456789")))
PUBLISHED = Path(os.environ.get("DLTK_DATA", "")) / "pretrained" / "resnet20-12fca82f.th"


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)], ids=str)
def test_it_has_as_many_parameters_as_the_paper_says(depth, millions):
    """He et al. 2016, table 6."""
    with torch.device("meta"):
        model = made("resnet", CIFAR, depth=depth)
    count = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.05 if depth == 110 else 0.01)


def test_depth_counts_the_layers_with_weights():
    model = made("resnet", CIFAR, depth=32)
    layers = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 32


@pytest.mark.parametrize(("depth", "hint"), [(18, "14 or 20"), (21, "20 or 26")])
def test_other_depths_are_refused(depth, hint):
    with pytest.raises(SettingsError, match=rf"has this depth; found {depth}; allowed 6n\+2, such as {hint}"):
        made("resnet", CIFAR, depth=depth)


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("image", [Image(1, 1, 1), Image(3, 5, 8), Image(2, 33, 31)])
def test_every_size_works(image, shortcut):
    model = made("resnet", one(image, THREE), depth=8, width=3, shortcut=shortcut)
    assert model(torch.rand(2, *image.shape)).shape == (2, 3)


def test_shortcut_a_drops_every_other_pixel_and_adds_zeros_on_both_sides():
    model = made("resnet", CIFAR, depth=8, width=4)
    x = torch.rand(1, 4, 6, 6)
    expected = torch.cat([torch.zeros(1, 2, 3, 3), x[:, :, ::2, ::2], torch.zeros(1, 2, 3, 3)], dim=1)
    assert torch.equal(model.layer2[0].shortcut(x), expected)


def test_shortcut_b_is_a_projection_where_the_size_changes():
    model = made("resnet", CIFAR, depth=14, width=4, shortcut="B")
    names = [name for name, _ in model.named_parameters() if "shortcut" in name and name.endswith("weight")]
    assert names == [f"layer{stage}.0.shortcut.{part}.weight" for stage in (2, 3) for part in (0, 1)]


def test_a_block_computes_what_the_paper_says():
    block = made("resnet", CIFAR, depth=8, width=4).layer1[0].eval()
    x = torch.randn(2, 4, 5, 5)
    with torch.no_grad():
        expected = F.relu(x + block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x))))))
        torch.testing.assert_close(block(x), expected)


def test_it_normalises_first():
    statistics = {"mean": [0.5, 0.25, 0.125], "std": [0.5, 2.0, 1.0]}
    plain, normal = (made("resnet", CIFAR, depth=8, normalize=option).eval() for option in ("none", statistics))
    normal.load_state_dict(
        {name: value for name, value in plain.state_dict().items() if "normalize" not in name}, strict=False
    )
    x = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(statistics[key]).view(3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(normal(x), plain((x - mean) / std))


def test_grey_images_have_no_imagenet_statistics():
    with pytest.raises(OptionError, match="normalize: needs one mean per channel; found 3; allowed 1"):
        made("resnet", one(Image(1, 28, 28), THREE), normalize="imagenet")


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="needs pretrained/resnet20-12fca82f.th below $DLTK_DATA")
def test_published_weights_fit():
    file = registry.load("models", "resnet")
    config = file.Config(depth=20, normalize="imagenet")
    tensors = renamed(read_foreign(PUBLISHED), lambda name: file.own_name(config, name), {})
    refuse_misfits(tensors, made("resnet", CIFAR, depth=20).state_dict(), ["normalize."])
    assert len(tensors) == 97
