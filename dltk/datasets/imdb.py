"""IMDB, 50,000 film reviews in English, positive or negative, half of them for testing (Maas et al. 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltk.config.errors import DataError
from dltk.config.sections import PathText
from dltk.data.download import Remote
from dltk.data.file_places import class_problem
from dltk.data.files import as_directory, obtain
from dltk.data.samples import Source
from dltk.data.specs import Classes
from dltk.data.texts.columns import read_files
from dltk.data.texts.options import TextOptions
from dltk.data.texts.own import TEXT, text_names
from dltk.data.texts.preparation import TextPreparation, expected_spec, labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dltk.data.samples import Columns, State
    from dltk.data.specs import Spec

_NAMES = ("aclImdb", "aclImdb_v1_labelled.tar.gz", "aclImdb_v1.tar.gz")
# Address and MD5: torchtext 0.18, datasets/imdb.py.
REMOTES = (
    Remote(
        "imdb/aclImdb_v1.tar.gz",
        ("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
        found_as=(*(f"imdb/{name}" for name in _NAMES), *_NAMES),
        md5="7c2ac02c03563afcf9b574c7e56c153a",
    ),
)
_PARTS = ("train", "test")
_CLASSES = Classes(("neg", "pos"))
_OFFICIAL_SIZE = 25_000


class Config(TextOptions):
    """Options of IMDB; the reviews' ids and ratings, and those without a label, are not read."""

    root: PathText | None = None
    """Folder that holds aclImdb/ or its archive, or imdb/ with one; default $DLTK_DATA, then the cache, else
    downloaded."""


def describe(config: Config) -> Spec:
    """Return what texts become, as wide as the vocabulary may be, and two classes."""
    _folder(config)
    return expected_spec(config, _CLASSES)


def read(config: Config) -> Source:
    """Return the official training and test parts, negative reviews first, each class by file name."""
    folder = as_directory(_folder(config))
    parts = {part: _part(folder, part) for part in _PARTS}
    sizes = [len(samples) for samples in parts.values()]
    if sizes == [_OFFICIAL_SIZE, _OFFICIAL_SIZE]:
        return Source(parts)
    return Source(parts, (f"not the official 25,000 and 25,000 reviews: {sizes[0]:,} and {sizes[1]:,}",))


def count(config: Config) -> Mapping[str, int]:
    """Return how many files of reviews there are."""
    folder = as_directory(_folder(config))
    return {part: sum(map(len, _names(folder, part).values())) for part in _PARTS}


def prepare(config: Config, train: Columns) -> TextPreparation:
    """Collect the vocabulary of the training reviews."""
    return TextPreparation.fit(train, config, _CLASSES)


def restore(config: Config, state: State) -> TextPreparation:  # noqa: ARG001
    """Rebuild the preparation."""
    return TextPreparation.restore(state)


def _folder(config: Config) -> Path:
    return obtain("IMDB", REMOTES, config.root)[0]


def _names(folder: Path, part: str) -> Mapping[str, list[str]]:
    """Return the names of the files of each class of a part, once there are some."""
    places = {name: folder / part / name for name in _CLASSES.names}
    found = {name: text_names(place) if place.is_dir() else [] for name, place in places.items()}
    empty = [class_problem(places[name], "no .txt file in this folder") for name, files in found.items() if not files]
    if empty:
        expected = "train/pos, train/neg, test/pos and test/neg with a .txt file per review"
        raise DataError("there are no reviews", expected=expected, problems=empty)
    return found


def _part(folder: Path, part: str) -> Columns:
    files = [(label, folder / part / label / name) for label, names in _names(folder, part).items() for name in names]
    columns = read_files([file for _, file in files], folder)
    return labelled(columns.cells[TEXT], [label for label, _ in files], columns.names("name"))
