"""CIFAR-100, 60,000 colour images of 32 x 32 pixels in 100 classes or 20 groups of them (Krizhevsky 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dltk.config.sections import PathText
from dltk.config.settings import Settings
from dltk.data.download import Remote
from dltk.data.images.cifar import CifarImages
from dltk.data.images.preparation import ImagePreparation, Normalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dltk.data.samples import Columns, Source, State
    from dltk.data.specs import Spec

_FOLDER, _ARCHIVE = "cifar-100-binary", "cifar-100-binary.tar.gz"
# Address and MD5: the authors' page, www.cs.toronto.edu/~kriz/cifar.html.
REMOTES = (
    Remote(
        f"cifar100/{_ARCHIVE}",
        (f"https://www.cs.toronto.edu/~kriz/{_ARCHIVE}",),
        (f"cifar100/{_FOLDER}", _FOLDER, _ARCHIVE),
        md5="03b5dce01913d631647c71ecec9e9cb8",
    ),
)
_FINE_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
_COARSE_NAMES = """
aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture
insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
"""
_PARTS = {"train": ["train.bin"], "test": ["test.bin"]}
_FILES = {
    "coarse": CifarImages("CIFAR-100", REMOTES, _PARTS, "coarse_label_names.txt", _COARSE_NAMES.split(), 2, 0),
    "fine": CifarImages("CIFAR-100", REMOTES, _PARTS, "fine_label_names.txt", _FINE_NAMES.split(), 2, 1),
}


class Config(Settings):
    """Options of CIFAR-100."""

    root: PathText | None = None
    """Folder that holds cifar-100-binary/ or cifar-100-binary.tar.gz, also below cifar100/; default $DLTK_DATA, then
    the cache, else downloaded."""
    labels: Literal["fine", "coarse"] = "fine"
    """fine: 100 classes; coarse: the 20 groups they belong to."""
    normalize: Normalize = "unit"
    """unit: pixels from 0 to 1; standardize: mean 0 and deviation 1 per channel, fitted on the training images."""


def describe(config: Config) -> Spec:
    """Return one colour image of 32 x 32 pixels, 100 or 20 classes."""
    return _FILES[config.labels].spec(config.root)


def read(config: Config) -> Source:
    """Return the official training and test parts."""
    return _FILES[config.labels].source(config.root)


def count(config: Config) -> Mapping[str, int]:
    """Return how many images there are, by the lengths of the files."""
    return _FILES[config.labels].sizes(config.root)


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, "pad", config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)
