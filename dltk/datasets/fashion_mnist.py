"""Fashion-MNIST, 70,000 grey images of 28 x 28 pixels of ten kinds of clothes (Xiao et al. 2017)."""

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

# Class names and MD5s: README of github.com/zalandoresearch/fashion-mnist, whose folder data/fashion has the files.
# The README's own address is plain http, which dltk never uses. The second is that of tf.keras.datasets.
REMOTES = remotes(
    ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
)
_CLASS_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_FILES = IdxImages("Fashion-MNIST", REMOTES, _CLASS_NAMES)


class Config(Settings):
    """Options of Fashion-MNIST."""

    root: PathText | None = None
    """Folder that holds the four files, or fashion_mnist/ with them; default $DLTK_DATA, then the cache, else
    downloaded."""
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
