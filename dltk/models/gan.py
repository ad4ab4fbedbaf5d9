"""Two small networks that learn against each other: one makes images of noise, one tells them from real ones."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import only_input
from dltk.data.specs import Image, Modality, Spec

SLOPE = 0.2
NUM_HALVINGS = 2


class Config(Settings):
    """Generator and discriminator (Goodfellow et al. 2014), of dense layers or of convolutions (Radford et al. 2016).

    The generator turns noise (B, latent_size) into images (B, C, H, W) of values in 0..1; the discriminator turns
    images into (B,) logits, high for real ones. Targets of the data are not used.

    Parameters: `generator.N.weight`, `discriminator.N.weight`, counted from 0 with activations in between.
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "adversary"

    kind: Literal["dense", "conv"] = "dense"
    """Dense layers for the smallest images, convolutions for others."""
    latent_size: PositiveInt = 64
    """Numbers of noise that an image is made from."""
    width: PositiveInt = 128
    """Units of the narrowest hidden dense layer; half as many filters are the fewest of a convolution."""


class GAN(nn.Module):
    """A generator and its discriminator.

    Attributes:
        latent_size: Width of the noise.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, latent_size: int) -> None:
        super().__init__()
        self.generator, self.discriminator, self.latent_size = generator, discriminator, latent_size

    def forward(self, noise: Tensor) -> Tensor:
        """Turn noise (B, latent_size) into images (B, C, H, W) in 0..1."""
        images: Tensor = self.generator(noise)
        return images


class Crop(nn.Module):
    """The top left part of an image."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self._height, self._width = height, width

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, H', W') into (B, C, height, width)."""
        return x[:, :, : self._height, : self._width]


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return both networks for images of the data's size; raise OptionError for other data."""
    image = only_input(spec)
    if not isinstance(image, Image):
        raise OptionError("", f"gan makes images; the data are {image.word}", id="DLTK-CONFIG-MISFIT")
    if config.kind == "dense":
        return GAN(_dense_generator(config, image), _dense_discriminator(config, image), config.latent_size)
    return GAN(_conv_generator(config, image), _conv_discriminator(config, image), config.latent_size)


def _dense_generator(config: Config, image: Image) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(config.latent_size, config.width),
        nn.LeakyReLU(SLOPE),
        nn.Linear(config.width, 2 * config.width),
        nn.LeakyReLU(SLOPE),
        nn.Linear(2 * config.width, math.prod(image.shape)),
        nn.Sigmoid(),
        nn.Unflatten(1, image.shape),
    )


def _dense_discriminator(config: Config, image: Image) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(math.prod(image.shape), 2 * config.width),
        nn.LeakyReLU(SLOPE),
        nn.Linear(2 * config.width, config.width),
        nn.LeakyReLU(SLOPE),
        nn.Linear(config.width, 1),
        nn.Flatten(0),
    )


def _conv_generator(config: Config, image: Image) -> nn.Sequential:
    """Double a quarter-size image twice; what is beyond the data's size is cut off."""
    height, width = _quarter(image)
    filters = max(config.width // 2, 1)
    return nn.Sequential(
        nn.Linear(config.latent_size, 2 * filters * height * width),
        nn.Unflatten(1, (2 * filters, height, width)),
        nn.BatchNorm2d(2 * filters),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * filters, filters, 4, stride=2, padding=1),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
        nn.ConvTranspose2d(filters, image.channels, 4, stride=2, padding=1),
        nn.Sigmoid(),
        Crop(image.height, image.width),
    )


def _conv_discriminator(config: Config, image: Image) -> nn.Sequential:
    height, width = _quarter(image)
    filters = max(config.width // 2, 1)
    return nn.Sequential(
        nn.Conv2d(image.channels, filters, 3, stride=2, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(filters, 2 * filters, 3, stride=2, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Flatten(),
        nn.Linear(2 * filters * height * width, 1),
        nn.Flatten(0),
    )


def _quarter(image: Image) -> tuple[int, int]:
    scale = 2**NUM_HALVINGS
    return -(-image.height // scale), -(-image.width // scale)
