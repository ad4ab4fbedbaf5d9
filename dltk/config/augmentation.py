"""The options of every way to vary training images at random."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from dltk.config.errors import OptionError
from dltk.config.settings import PositiveFloat, PositiveInt, Settings

Probability = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(gt=0, le=10)]
Alpha = Annotated[float, Field(gt=0, le=1000)]
Part = Annotated[float, Field(gt=0, lt=1)]
_FROM_LIST = Field(strict=False)  # behind a "before" validator pydantic no longer takes JSON's lists for tuples


def _refuse_descending(option: str, low: float, high: float) -> None:
    if low > high:
        raise OptionError(option, "out of order", found=f"[{low}, {high}]", allowed="[smallest, largest]")


class HorizontalFlip(Settings):
    """Swap left and right."""

    name: Literal["horizontal_flip"] = "horizontal_flip"
    probability: Probability = 0.5
    """How likely for each image."""


class VerticalFlip(Settings):
    """Swap top and bottom."""

    name: Literal["vertical_flip"] = "vertical_flip"
    probability: Probability = 0.5
    """How likely for each image."""


class PaddedCrop(Settings):
    """Put pixels around the image, and cut a piece of the old size from a random place."""

    name: Literal["crop"] = "crop"
    padding: PositiveInt = 4
    """Pixels on each side."""
    mode: Literal["zero", "reflect"] = "zero"
    """What they are: black, or the image mirrored at its border."""


class Rotation(Settings):
    """Turn about the centre."""

    name: Literal["rotation"] = "rotation"
    degrees: Annotated[float, Field(gt=0, le=180)] = 15.0
    """At most so far, either way."""


class Translation(Settings):
    """Shift by whole pixels."""

    name: Literal["translation"] = "translation"
    fraction: Part = 0.1
    """At most this part of height and width, either way."""


class Zoom(Settings):
    """Enlarge or shrink about the centre."""

    name: Literal["zoom"] = "zoom"
    range: Annotated[tuple[PositiveFloat, PositiveFloat], _FROM_LIST] = (0.8, 1.2)
    """[smallest, largest] factor; above 1 enlarges."""

    @model_validator(mode="after")
    def _check(self) -> Zoom:
        _refuse_descending("range", *self.range)
        return self


class Shear(Settings):
    """Slant along the rows."""

    name: Literal["shear"] = "shear"
    degrees: Annotated[float, Field(gt=0, lt=90)] = 10.0
    """At most so far, either way."""


class Brightness(Settings):
    """Multiply all pixels by a factor."""

    name: Literal["brightness"] = "brightness"
    amount: Amount = 0.2
    """The factor is from 1 - amount, at least 0, to 1 + amount."""


class Contrast(Settings):
    """Pull pixels towards the image's mean grey, or push them away from it."""

    name: Literal["contrast"] = "contrast"
    amount: Amount = 0.2
    """The factor is from 1 - amount, at least 0, to 1 + amount."""


class Saturation(Settings):
    """Make colours paler or stronger."""

    name: Literal["saturation"] = "saturation"
    amount: Amount = 0.2
    """The factor is from 1 - amount, at least 0, to 1 + amount."""


class Hue(Settings):
    """Turn colours on the colour circle."""

    name: Literal["hue"] = "hue"
    amount: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """At most this part of the circle, either way."""


class Grayscale(Settings):
    """Take the colour away."""

    name: Literal["grayscale"] = "grayscale"
    probability: Probability = 0.1
    """How likely for each image."""


class PixelNoise(Settings):
    """Add Gaussian noise to every pixel."""

    name: Literal["noise"] = "noise"
    deviation: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Its standard deviation; white is 1."""


class Erasing(Settings):
    """Cover a rectangle of the image (random erasing, Zhong et al. 2020)."""

    name: Literal["erasing"] = "erasing"
    probability: Probability = 0.5
    """How likely for each image."""
    area: Annotated[tuple[Part, Part], _FROM_LIST] = (0.02, 0.33)
    """[smallest, largest] part of the image that is covered."""
    ratio: Annotated[tuple[PositiveFloat, PositiveFloat], _FROM_LIST] = (0.3, 3.3)
    """[smallest, largest] height of the rectangle, divided by its width."""
    fill: Literal["zero", "noise"] = "zero"
    """With what: black, or a random value for each pixel."""

    @model_validator(mode="after")
    def _check(self) -> Erasing:
        _refuse_descending("area", *self.area)
        _refuse_descending("ratio", *self.ratio)
        return self


class Mixup(Settings):
    """Blend each image and its classes with another one of the batch (Zhang et al. 2018)."""

    name: Literal["mixup"] = "mixup"
    alpha: Alpha = 0.2
    """The share of the image is drawn from Beta(alpha, alpha) for each image; large: near one half."""
    probability: Probability = 1.0
    """How likely for each image."""


class Cutmix(Settings):
    """Put a rectangle of another image of the batch into each one, and mix the classes by area (Yun et al. 2019)."""

    name: Literal["cutmix"] = "cutmix"
    alpha: Alpha = 1.0
    """The share of the image is drawn from Beta(alpha, alpha) for each image; 1: any share alike."""
    probability: Probability = 1.0
    """How likely for each image."""


Geometry = HorizontalFlip | VerticalFlip | PaddedCrop | Rotation | Translation | Zoom | Shear
Colour = Brightness | Contrast | Saturation | Hue | Grayscale | PixelNoise | Erasing
Mixing = Mixup | Cutmix
Named = Annotated[Geometry | Colour | Mixing, Field(discriminator="name")]
NAMES: tuple[str, ...] = tuple(kind.model_fields["name"].default for kind in get_args(Geometry | Colour | Mixing))
_Name = Annotated[str, Field(json_schema_extra={"enum": list(NAMES)})]


def _as_mapping(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Transform = Annotated[Named, BeforeValidator(_as_mapping, json_schema_input_type=_Name | Named)]
"""One way to vary an image; a name alone stands for its defaults."""
