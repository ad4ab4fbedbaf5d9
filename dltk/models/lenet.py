"""LeNet-5: two convolutions, three dense layers, for small images."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn

from dltk.config.settings import Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_outputs, only_image, only_target
from dltk.data.specs import Image, Modality, Spec
from dltk.nn.activations import ActivationName, make_activation
from dltk.nn.folding import pooled

FULL_SIZE = 32
MIN_SIZE = 12


class Config(Settings):
    """LeNet-5 (LeCun et al. 1998, fig. 2) with today's ReLU and max-pooling; `tanh` and `mean` come near the original.

    It was made for 32x32 pixels: smaller images, such as MNIST's 28x28, get a border of 2 zeros. The least is 12x12.

    Parameters: `weight` and `bias` of `conv1` (6 filters 5x5), `conv2` (16 filters 5x5), `dense1` (120), `dense2` (84)
    and `head`.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "predictor"

    activation: ActivationName = "relu"
    """What every layer but the last passes through."""
    pooling: Literal["max", "mean"] = "max"
    """What is kept of each 2x2 window."""


class LeNet(nn.Module):
    """Convolutions, dense layers and a head.

    Args:
        image: What it looks at; at least 12x12 pixels.
        outputs: Width of the head.
        config: Activation and pooling.
    """

    def __init__(self, image: Image, outputs: int, config: Config) -> None:
        super().__init__()
        padding = 2 if min(image.height, image.width) < FULL_SIZE else 0
        height, width = (((size + 2 * padding - 4) // 2 - 4) // 2 for size in (image.height, image.width))
        self.conv1 = nn.Conv2d(image.channels, 6, 5, padding=padding)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(16 * height * width, 120)
        self.dense2 = nn.Linear(120, 84)
        self.head = nn.Linear(84, outputs)
        self.activation = make_activation(config.activation)
        self.pool = nn.MaxPool2d(2) if config.pooling == "max" else nn.AvgPool2d(2)
        self.pools_first = config.pooling == "max" and config.activation == "relu"

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (B, C, H, W) into (B, num_outputs)."""
        x = self.smaller(self.conv1, x)
        x = self.smaller(self.conv2, x)
        x = self.activation(self.dense1(x.flatten(1)))
        x = self.activation(self.dense2(x))
        outputs: Tensor = self.head(x)
        return outputs

    def smaller(self, convolution: nn.Conv2d, x: Tensor) -> Tensor:
        """Convolve, pass through the activation, and pool; the largest passes ReLU to the same bits, gradients too."""
        if self.pools_first:
            passed: Tensor = self.activation(pooled(convolution, self.pool, x))
            return passed
        kept: Tensor = self.pool(self.activation(convolution(x)))
        return kept

    def pooled_convolutions(self) -> list[tuple[nn.Conv2d, nn.Module]]:
        """Return the convolutions behind which the pool is next."""
        return [(self.conv1, self.pool), (self.conv2, self.pool)] if self.pools_first else []


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return LeNet-5 for these data; raise OptionError for anything but images of at least 12x12 pixels."""
    image = only_image(spec, "lenet", MIN_SIZE, "; mlp and sequential take any size")
    return LeNet(image, num_outputs(only_target(spec)), config)
