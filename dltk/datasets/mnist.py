"""MNIST, 70,000 handwritten digits of 28 x 28 pixels, or any data set in its IDX format (LeCun et al. 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltk.config.sections import PathText
from dltk.config.settings import Settings
from dltk.data.images.idx import IdxImages, remotes
from dltk.data.images.preparation import ImagePreparation, Normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dltk.data.samples import Columns, Source, State
    from dltk.data.specs import Spec

# Address and MD5s: torchvision 0.29, datasets/mnist.py.
REMOTES = remotes(
    ("mnist", "MNIST/raw"),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/",),
    (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
)
_FILES = IdxImages("MNIST", REMOTES, [str(digit) for digit in range(10)])


class Config(Settings):
    """Options of MNIST."""

    root: PathText | None = None
    """Folder that holds the four files, or mnist/ with them; default $DLTK_DATA, then the cache, else downloaded."""
    normalize: Normalize = "unit"
    """unit: pixels from 0 to 1; standardize: mean 0 and deviation 1, fitted on the training images."""


def describe(config: Config) -> Spec:
    """Return one grey image of the size in the headers, ten classes."""
    return _FILES.spec(config.root)


def read(config: Config) -> Source:
    """Return the official training and test parts."""
    return _FILES.source(config.root)


def count(config: Config) -> Mapping[str, int]:
    """Return how many images the headers announce."""
    return _FILES.sizes(config.root)


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, "pad", config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)
