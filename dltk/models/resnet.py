"""ResNet for small images: three stages of residual blocks, 6n+2 layers deep."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from dltk.config.errors import OptionError
from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_image, only_target
from dltk.data.specs import Image, Modality, Spec
from dltk.nn.image_layers import PixelMean
from dltk.nn.normalization import NormalizeOption, make_normalize

NUM_STAGES = 3


class Config(Settings):
    """ResNet as it was made for CIFAR-10 (He et al. 2016, section 4.2); for images of some 32x32 pixels, but any do.

    One convolution, then 3 stages of n blocks of 2 convolutions each; the second and third stage halve the image and
    double the channels; the mean over all pixels goes to the output layer: 6n + 2 layers. Published weights of this
    form for CIFAR-10 (their `linear` is `head` here) can be imported.

    Parameters: `conv1.weight` and `bn1.*`; in block B (from 0) of stage S (from 1) `layerS.B.conv1.weight`,
    `layerS.B.bn1.*`, `layerS.B.conv2.weight`, `layerS.B.bn2.*`, and with `shortcut: B` where the size changes
    `layerS.B.shortcut.0.weight`, `layerS.B.shortcut.1.*`; then `head.weight` and `head.bias`.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "predictor"

    depth: Annotated[int, Field(ge=8, le=10_000)] = 20
    """Layers with weights: 6n+2, such as 20, 32, 44, 56 or 110."""
    width: PositiveInt = 16
    """Channels of the first stage; the others have 2 and 4 times as many."""
    shortcut: Literal["A", "B"] = "A"
    """Around a block that halves the image: A drops every other pixel and adds channels of zeros on both sides, without
    parameters; B is a convolution 1x1."""
    normalize: NormalizeOption = "none"
    """What pixels from 0 to 1 are brought to first: `imagenet`, or {mean: [...], std: [...]} per channel. Weights that
    are loaded from a run bring their own: leave this out beside them."""

    @model_validator(mode="after")
    def _refuse_other_depths(self) -> Self:
        if (self.depth - 2) % 6:
            below = self.depth - (self.depth - 2) % 6
            raise OptionError(
                "depth",
                "no ResNet for small images has this depth",
                found=str(self.depth),
                allowed=f"6n+2, such as {below} or {below + 6}",
            )
        return self


class Halve(nn.Module):
    """Drop every other pixel, and add channels of zeros on both sides (option A).

    Args:
        extra: Channels added in all.
    """

    def __init__(self, extra: int) -> None:
        super().__init__()
        self._before, self._after = extra // 2, extra - extra // 2

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, H, W) into (B, C + extra, H / 2, W / 2), rounded up."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self._before, self._after))


class Block(nn.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, num_inputs: int, num_outputs: int, stride: int, shortcut: Literal["A", "B"]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_inputs, num_outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(num_outputs)
        self.conv2 = nn.Conv2d(num_outputs, num_outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(num_outputs)
        self.shortcut = nn.Sequential()
        if stride > 1:
            projection = (nn.Conv2d(num_inputs, num_outputs, 1, stride, bias=False), nn.BatchNorm2d(num_outputs))
            halve = (Halve(num_outputs - num_inputs),)
            self.shortcut = nn.Sequential(*(halve if shortcut == "A" else projection))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, inputs, H, W) into (B, outputs, H / stride, W / stride), rounded up."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """A convolution, three stages of blocks, the mean over all pixels, and a head.

    Args:
        normalize: The first layer.
        channels: Of the images.
        outputs: Width of the head.
        config: Depth, width and shortcuts.
    """

    def __init__(self, normalize: nn.Module, channels: int, outputs: int, config: Config) -> None:
        super().__init__()
        width = config.width
        self.normalize = normalize
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, config)
        self.layer2 = _stage(width, 2 * width, config)
        self.layer3 = _stage(2 * width, 4 * width, config)
        self.pool = PixelMean()
        self.head = nn.Linear(4 * width, outputs)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (B, C, H, W) into (B, num_outputs)."""
        x = F.relu(self.bn1(self.conv1(self.normalize(x))))
        x = self.layer3(self.layer2(self.layer1(x)))
        outputs: Tensor = self.head(self.pool(x))
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the network for these data; raise OptionError for anything but images."""
    image = only_image(spec, "resnet")
    normalize = make_normalize(config.normalize, image.channels)
    return ResNet(normalize, image.channels, num_outputs(only_target(spec)), config)


def own_name(_config: Config, name: str) -> str:
    """Return what a tensor of weights published elsewhere is called here."""
    beginning, dot, rest = name.partition(".")
    return f"head{dot}{rest}" if beginning in {"linear", "fc"} else name


def _stage(num_inputs: int, num_outputs: int, config: Config) -> nn.Sequential:
    num_blocks = (config.depth - 2) // (2 * NUM_STAGES)
    stride = 2 if num_outputs > num_inputs else 1
    first = Block(num_inputs, num_outputs, stride, config.shortcut)
    return nn.Sequential(first, *(Block(num_outputs, num_outputs, 1, config.shortcut) for _ in range(1, num_blocks)))
