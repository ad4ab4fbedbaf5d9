"""CIFAR-10, 60,000 colour images of 32 x 32 pixels in ten classes (Krizhevsky 2009), in its binary version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltk.config.sections import PathText
from dltk.config.settings import Settings
from dltk.data.download import Remote
from dltk.data.images.cifar import CifarImages
from dltk.data.images.preparation import ImagePreparation, Normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dltk.data.samples import Columns, Source, State
    from dltk.data.specs import Spec

_FOLDER, _ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
# Address and MD5: the authors' page, www.cs.toronto.edu/~kriz/cifar.html.
REMOTES = (
    Remote(
        f"cifar10/{_ARCHIVE}",
        (f"https://www.cs.toronto.edu/~kriz/{_ARCHIVE}",),
        (f"cifar10/{_FOLDER}", _FOLDER, _ARCHIVE),
        md5="c32a1d4ab5d03f1284b67883e8d87530",
    ),
)
_FILES = CifarImages(
    "CIFAR-10",
    REMOTES,
    {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]},
    "batches.meta.txt",
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)


class Config(Settings):
    """Options of CIFAR-10."""

    root: PathText | None = None
    """Folder that holds cifar-10-batches-bin/ or cifar-10-binary.tar.gz, also below cifar10/; default $DLTK_DATA, then
    the cache, else downloaded."""
    normalize: Normalize = "unit"
    """unit: pixels from 0 to 1; standardize: mean 0 and deviation 1 per channel, fitted on the training images."""


def describe(config: Config) -> Spec:
    """Return one colour image of 32 x 32 pixels, ten classes."""
    return _FILES.spec(config.root)


def read(config: Config) -> Source:
    """Return the official training and test parts."""
    return _FILES.source(config.root)


def count(config: Config) -> Mapping[str, int]:
    """Return how many images there are, by the lengths of the files."""
    return _FILES.sizes(config.root)


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, "pad", config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)
