"""1,797 handwritten digits of 8 x 8 pixels; they come with scikit-learn (Alpaydin & Kaynak 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dltk.config.settings import Settings
from dltk.data.images.preparation import ImagePreparation, Normalize, classes_spec, labelled
from dltk.data.samples import Source
from dltk.data.scikit_files import rows_of
from dltk.data.specs import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dltk.data.samples import Columns, State
    from dltk.data.specs import Spec

_FILE = "digits.csv.gz"
_BRIGHTEST = 16


class Config(Settings):
    """Options of the digits."""

    normalize: Normalize = "unit"
    """unit: pixels from 0 to 1; standardize: mean 0 and deviation 1, fitted on the training images."""


def describe(config: Config) -> Spec:  # noqa: ARG001
    """Return one grey image of 8 x 8 pixels, ten classes."""
    return classes_spec(Image(1, 8, 8), [str(digit) for digit in range(10)])


def read(config: Config) -> Source:  # noqa: ARG001
    """Return all digits as training samples; there is no official split. Brightness 0..16 becomes 0..255."""
    rows = torch.from_numpy(rows_of(_FILE))
    images = rows[:, :-1].mul(255 / _BRIGHTEST).round().to(torch.uint8)
    return Source({"train": labelled(images.view(-1, 1, 8, 8), rows[:, -1].long())})


def count(config: Config) -> Mapping[str, int]:  # noqa: ARG001
    """Return how many digits there are."""
    return {"train": len(rows_of(_FILE))}


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, "pad", config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)
