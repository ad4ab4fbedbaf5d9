"""Every classification network of torchvision, with new weights or the published ones."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
import torchvision.models
from torch import Tensor, nn
from torchvision.models.vision_transformer import interpolate_embeddings

from dltk.config.errors import OptionError
from dltk.config.settings import Settings
from dltk.data import files
from dltk.data.download import Remote
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_image, only_target
from dltk.data.specs import Image, Modality, Spec
from dltk.nn.foreign import read_foreign
from dltk.nn.image_layers import PixelMean
from dltk.nn.normalization import ChannelStatistics, NormalizeOption, make_normalize
from dltk.nn.probing import least_side, takes

# fmt: off
Architecture = Literal[
    "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121", "densenet161",
    "densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
    "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l",
    "efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5", "mnasnet0_75",
    "mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf",
    "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf",
    "regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf",
    "regnet_y_800mf", "regnet_y_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t",
    "swin_v2_b", "swin_v2_s", "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
    "vgg19_bn", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32", "wide_resnet101_2", "wide_resnet50_2",
]
# fmt: on
COLOURS = 3
SQUEEZENET_FEATURES = 512
MAXVIT_SIDE = 224
WITH_SIDE_OUTPUTS = ("googlenet", "inception_v3")
"""Their side outputs, which only helped training, are left out."""
HEADS = {
    "alexnet": "classifier.6",
    "convnext": "classifier.2",
    "densenet": "classifier",
    "efficientnet": "classifier.1",
    "maxvit": "classifier.5",
    "mnasnet": "classifier.1",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3": "classifier.3",
    "squeezenet": "classifier.1",
    "swin": "head",
    "vgg": "classifier.6",
    "vit": "heads.head",
    "": "fc",
}
"""What torchvision calls the output layer, by how the architecture's name begins."""


class Config(Settings):
    """A network of torchvision; the output layer follows from the data; grey images count as three equal colours.

    Parameters: `backbone.NAME` with torchvision's names, but `head.weight` and `head.bias` of the output layer;
    squeezenet's output layer comes behind its pool, without the ReLU.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "predictor"

    architecture: Architecture
    """Which network; vit_* take squares of a multiple of the patch (their last number), maxvit_t multiples of 224."""
    pretrained: bool = False
    """Start from the weights that torchvision publishes, learned on ImageNet, with their normalisation; they are
    downloaded once, or put below $DLTK_DATA by hand."""
    normalize: NormalizeOption | None = None
    """What pixels from 0 to 1 are brought to first: `none`, `imagenet`, or {mean: [...], std: [...]} per colour;
    default what the published weights expect where these are used, else none."""


class Classifier(nn.Module):
    """Normalisation, a backbone that gives features, and a head.

    Args:
        normalize: The first layer.
        backbone: Gives (B, features).
        head: Gives (B, num_outputs).
    """

    def __init__(self, normalize: nn.Module, backbone: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.normalize, self.backbone, self.head = normalize, backbone, head

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (B, 1 or 3, H, W) into (B, num_outputs)."""
        colours = x.expand(-1, COLOURS, -1, -1)
        outputs: Tensor = self.head(self.backbone(self.normalize(colours)))
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data; raise OptionError where images have another size than it can take."""
    image, outputs = only_image(spec, "torchvision"), num_outputs(only_target(spec))
    if image.channels not in {1, COLOURS}:
        raise OptionError(
            "", f"torchvision needs images of 1 or 3 channels; the data have {image.channels}", id="DLTK-CONFIG-MISFIT"
        )
    normalize = make_normalize(_normalization(config), COLOURS)
    backbone = _network(config.architecture, image, outputs)
    head = _take_head(config.architecture, backbone, outputs)
    if not takes(backbone, COLOURS, image.height, image.width):
        least = least_side(backbone, COLOURS)
        raise _wrong_size(config.architecture, image, f"of at least {least}x{least}")
    return Classifier(normalize, backbone, head)


def pretrained(config: Config, spec: Spec) -> dict[str, Tensor] | None:
    """Return the published weights by the model's names, None where they are not asked for."""
    if not config.pretrained:
        return None
    url: str = torchvision.models.get_model_weights(config.architecture).DEFAULT.url
    name = url.rpartition("/")[2]
    kept = Path(torch.hub.get_dir()) / "checkpoints" / name
    path = kept if kept.is_file() else files.obtain(name, [Remote(f"torchvision/{name}", (url,), (name,))], None)[0]
    weights = read_foreign(path)
    if config.architecture.startswith("vit"):
        side, patch = only_image(spec, "torchvision").height, _patch(config.architecture)
        weights = dict(interpolate_embeddings(side, patch, OrderedDict(weights)))
    named = ((own_name(config, name), tensor) for name, tensor in weights.items())
    return {own: tensor for own, tensor in named if own is not None}


def own_name(config: Config, name: str) -> str | None:
    """Return what a tensor of torchvision's is called here; None for those of side outputs, which are left out."""
    head = _head_of(config.architecture)
    if name.startswith(f"{head}."):
        return f"head.{name.removeprefix(f'{head}.')}"
    if config.architecture in WITH_SIDE_OUTPUTS and name.lower().startswith("aux"):
        return None
    if config.architecture.startswith("densenet"):  # whose files are older than its names
        name = re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", name)
    return f"backbone.{name}"


def _normalization(config: Config) -> NormalizeOption:
    if config.normalize is not None or not config.pretrained:
        return config.normalize or "none"
    if config.architecture in WITH_SIDE_OUTPUTS:  # whose weights see -1 to 1: torchvision calls that transform_input
        return ChannelStatistics(mean=(0.5,) * COLOURS, std=(0.5,) * COLOURS)
    published = torchvision.models.get_model_weights(config.architecture).DEFAULT.transforms()
    return ChannelStatistics(mean=tuple(published.mean), std=tuple(published.std))


def _network(architecture: str, image: Image, outputs: int) -> nn.Module:
    options: dict[str, Any] = {}
    if architecture in WITH_SIDE_OUTPUTS:
        options = {"aux_logits": False, "init_weights": True}
    if architecture.startswith("vit"):
        patch = _patch(architecture)
        if image.height != image.width or image.height % patch:
            raise _wrong_size(architecture, image, f"whose height and width are equal multiples of {patch}")
        options = {"image_size": image.height}
    if architecture == "maxvit_t":
        if image.height % MAXVIT_SIDE or image.width % MAXVIT_SIDE:
            raise _wrong_size(architecture, image, f"whose height and width are multiples of {MAXVIT_SIDE}")
        options = {"input_size": (image.height, image.width)}
    network: nn.Module = torchvision.models.get_model(architecture, weights=None, num_classes=outputs, **options)
    return network


def _take_head(architecture: str, network: nn.Module, outputs: int) -> nn.Linear:
    """Take the output layer out of a network, which then gives features, and return it."""
    if architecture.startswith("squeezenet"):
        network.classifier = nn.Sequential(nn.Dropout(), PixelMean())
        return nn.Linear(SQUEEZENET_FEATURES, outputs)
    parent, _, name = _head_of(architecture).rpartition(".")
    head = network.get_submodule(_head_of(architecture))
    assert isinstance(head, nn.Linear)
    setattr(network.get_submodule(parent), name, nn.Identity())
    return head


def _head_of(architecture: str) -> str:
    return next(name for beginning, name in HEADS.items() if architecture.startswith(beginning))


def _patch(architecture: str) -> int:
    return int(architecture.rpartition("_")[2])


def _wrong_size(architecture: str, image: Image, wanted: str) -> OptionError:
    size = f"{image.height}x{image.width}"
    reason = f"{architecture} needs images {wanted} pixels; the data have {size}; data.size changes it"
    return OptionError("", reason, id="DLTK-CONFIG-MISFIT")
