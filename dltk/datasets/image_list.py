"""Your own images in one folder, and a file with one label per line, in the sorted order of the images' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from dltk.config.errors import DataError, MissingInput, shown
from dltk.config.problems import Problem
from dltk.config.sections import PathText
from dltk.config.terminal import short
from dltk.data.files import as_directory, is_folder, links_note
from dltk.data.images.files import IMAGE_EXTENSIONS, is_image_name, printable
from dltk.data.images.preparation import (
    ImageOptions,
    ImagePreparation,
    classes_spec,
    ignored_note,
    image_of,
    labelled,
    source_of,
)
from dltk.data.images.proposing import proposed_images
from dltk.data.places import Sheet
from dltk.data.proposals import Proposal
from dltk.data.texts.files import read_text

if TYPE_CHECKING:
    from dltk.data.samples import Columns, Source, State
    from dltk.data.specs import Spec


class Config(ImageOptions):
    """Options of an image list."""

    path: PathText
    """The folder with the images and the labels file, or an archive of one; subfolders are not read."""
    labels: Annotated[str, Field(min_length=1)] = "labels.txt"
    """The labels file, inside that folder: one label per line, for the images sorted by name ("10" before "2")."""


@dataclass(frozen=True)
class _Listing:
    root: Path
    images: list[Path]
    labels: list[str]
    ignored: list[Path]


def describe(config: Config) -> Spec:
    """Return images of the size asked for, and the sorted labels that occur."""
    return classes_spec(image_of(config), sorted(set(_listing(config).labels)))


def read(config: Config) -> Source:
    """Return the paths of all images with their labels; there is no official split."""
    listing = _listing(config)
    names = [printable(Path(image.name)) for image in listing.images]
    train = labelled([str(image) for image in listing.images], listing.labels, names)
    notes = [*ignored_note(listing.ignored, listing.root), *links_note(listing.images, listing.root)]
    return source_of({"train": train}, notes, config)


def count(config: Config) -> Mapping[str, int]:
    """Return how many files are called like images."""
    return {"train": len(_listing(config).images)}


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, config.resize, config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)


def propose(path: Path, target: str) -> Proposal | None:  # noqa: ARG001
    """Return a config for images in one folder with a list of labels."""
    folder = as_directory(path) if is_folder(path) else path
    images = [file for file in folder.iterdir() if is_image_name(file)] if folder.is_dir() else []
    lists = [file for file in folder.iterdir() if file.suffix == ".txt"] if images else []
    if not lists:
        return None
    labels = next((file for file in lists if file.name == Config.model_fields["labels"].default), lists[0])
    found = f"{len(images):,} images, and a list of labels in {labels.name}"
    return proposed_images({"path": str(path), "labels": labels.name}, sorted(images), found, 0.7)


def _listing(config: Config) -> _Listing:
    root = as_directory(Path(config.path))
    labels_file = root / config.labels
    files = sorted(entry for entry in root.iterdir() if entry.is_file() and entry != labels_file)
    images = [file for file in files if is_image_name(file)]
    if not images:
        raise DataError(
            "there is no image in the folder",
            where=str(root),
            expected=f"files that end in {', '.join(IMAGE_EXTENSIONS)}",
        )
    sheet, labels = _read_labels(labels_file)
    _refuse_mismatch(images, labels, sheet)
    return _Listing(root, images, labels, [file for file in files if not is_image_name(file)])


def _read_labels(path: Path) -> tuple[Sheet, list[str]]:
    """Return a UTF-8 file and its stripped lines; empty ones are allowed at its end only."""
    if not path.is_file():
        raise MissingInput(
            "there is no labels file",
            where=str(path),
            expected="one label per line, in the sorted order of the image file names",
            do="put it there, or name it in data.labels",
        )
    text = read_text(str(path)).replace("\r\n", "\n").replace("\r", "\n")
    sheet = Sheet(short(path), text)
    lines = [line.strip() for line in text.rstrip().split("\n")]
    empty = [
        Problem((), "there is no label in this line", sheet.line(number), id="DLTK-DATA-LABEL")
        for number, line in enumerate(lines, start=1)
        if not line
    ]
    if empty:
        raise DataError("labels are missing", expected="one label per line", problems=empty)
    return sheet, lines


def _refuse_mismatch(images: list[Path], labels: list[str], sheet: Sheet) -> None:
    if len(images) == len(labels):
        return
    if len(images) > len(labels):
        image = shown(printable(Path(images[len(labels)].name)))
        place, first = sheet.line(len(labels)), f"the last label; the first image without one is {image}"
    else:
        place, first = sheet.line(len(images) + 1), "the first label without an image"
    raise DataError(
        "images and labels differ in number",
        found=f"{len(images)} images, {len(labels)} labels",
        expected="one label per image, in the sorted order of the image file names",
        problems=[Problem((), first, place, id="DLTK-DATA-LABEL")],
    )
