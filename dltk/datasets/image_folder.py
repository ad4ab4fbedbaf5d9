"""Your own images, one folder per class; train/, val/ and test/ folders of such folders are kept as splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dltk.config.errors import DataError, count_of, listed, shown
from dltk.config.problems import Problem
from dltk.config.sections import PathText
from dltk.data.file_places import class_problem
from dltk.data.files import as_directory, is_folder, links_note
from dltk.data.images.files import IMAGE_EXTENSIONS, files_below, is_image_name, printable, reasons
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
from dltk.data.images.scanning import unreadable_images
from dltk.data.proposals import Proposal

if TYPE_CHECKING:
    from dltk.data.samples import Columns, Source, State
    from dltk.data.specs import Spec

_PART_NAMES = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}


class Config(ImageOptions):
    """Options of an image folder."""

    path: PathText
    """A folder, or an archive of one: a subfolder per class, or train/, val/ and test/ with such subfolders."""


def describe(config: Config) -> Spec:
    """Return images of the size asked for, and the names of the class folders."""
    parts = _parts(as_directory(Path(config.path)))
    return classes_spec(image_of(config), sorted(_class_folders(config, parts)["train"]))


def read(config: Config) -> Source:
    """Return the paths of all images with their class names; files that are not called like images are counted."""
    root = as_directory(Path(config.path))
    parts = _parts(root)
    samples, ignored, used = {}, _loose_files({root, *parts.values()}), []
    for part, folders in _class_folders(config, parts).items():
        found = [(file, name) for name, folder in sorted(folders.items()) for file in files_below(folder)]
        images = [(file, name) for file, name in found if is_image_name(file)]
        ignored += [file for file, _ in found if not is_image_name(file)]
        used += [file for file, _ in images]
        samples[part] = labelled(
            [str(file) for file, _ in images],
            [name for _, name in images],
            [printable(file.relative_to(root)) for file, _ in images],
        )
    notes = [*ignored_note(ignored, root), *_unused_note(root, parts), *links_note(used, root)]
    return source_of(samples, notes, config)


def count(config: Config) -> Mapping[str, int]:
    """Return how many files are called like images."""
    return {part: len(samples) for part, samples in read(config).parts.items()}


def prepare(config: Config, train: Columns) -> ImagePreparation:
    """Fit the pixel statistics where they are asked for."""
    return ImagePreparation.fit(describe(config), train, config.resize, config.normalize)


def restore(config: Config, state: State) -> ImagePreparation:  # noqa: ARG001
    """Rebuild the preparation from its state."""
    return ImagePreparation.restore(state)


def propose(path: Path, target: str) -> Proposal | None:  # noqa: ARG001
    """Return a config for images in one folder per class."""
    if not is_folder(path):
        return None
    folders = _subfolders(_parts(as_directory(path))["train"])
    images = {folder.name: [file for file in files_below(folder) if is_image_name(file)] for folder in folders}
    if len(images) < 2 or not any(images.values()):
        return None
    found = f"{count_of(len(images), 'class folder')}: {', '.join(printable(Path(name)) for name in images)}"
    return proposed_images({"path": str(path)}, [file for own in images.values() for file in own], found, 0.9)


def _parts(root: Path) -> dict[str, Path]:
    """Return the folder of each official part; the root is the only one, "train", unless root/train has subfolders."""
    if not _subfolders(root / "train"):
        return {"train": root}
    parts: dict[str, Path] = {}
    for part, names in _PART_NAMES.items():
        present = [root / name for name in names if (root / name).is_dir()]
        if len(present) > 1:
            problems = [class_problem(folder, f"one of {len(present)} {part} splits") for folder in present]
            raise DataError(f"there are two {part} splits", do="rename or remove one", problems=problems)
        if present:
            parts[part] = present[0]
    return parts


def _class_folders(config: Config, parts: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
    """Return the folder of each class per part, once every part has the same classes and no class is empty."""
    classes = {
        part: {printable(Path(folder.name)): folder for folder in _subfolders(root)} for part, root in parts.items()
    }
    for part, folders in classes.items():
        if not folders:
            raise DataError(
                "there are no class folders",
                expected="one folder per class, with its images",
                do="images with a list of labels are read by data.name: image_list",
                problems=[class_problem(parts[part], "there is no folder in this one")],
            )
    _refuse_differing(classes, parts)
    _refuse_empty(config, [folder for folders in classes.values() for folder in folders.values()])
    return classes


def _refuse_differing(classes: Mapping[str, Mapping[str, Path]], parts: Mapping[str, Path]) -> None:
    train, problems = set(classes["train"]), list[Problem]()
    for part, folders in classes.items():
        lacking, more = sorted(train - set(folders)), sorted(set(folders) - train)
        problems += [class_problem(parts[part], f"has no {shown(name)}, which train/ has") for name in lacking]
        problems += [class_problem(folders[name], "train/ has no such class") for name in more]
    if problems:
        raise DataError("the splits have different classes", problems=problems)


def _refuse_empty(config: Config, folders: Sequence[Path]) -> None:
    """Refuse folders without an image, and with them at once what the images of the others would be refused for."""
    images = {folder: [file for file in files_below(folder) if is_image_name(file)] for folder in folders}
    empty = [folder for folder in folders if not images[folder]]
    if not empty:
        return
    files = [file for found in images.values() for file in found]
    faults = zip(files, reasons(files, image_of(config)), strict=True)
    broken = {str(file): fault for file, fault in faults if fault}
    also = unreadable_images(broken, len(files))
    raise DataError(
        "there are class folders without an image" + (f", and {also.message}" if broken else ""),
        expected=f"at least one file that ends in {', '.join(IMAGE_EXTENSIONS)}",
        do="add images or remove these folders" + (f"; {also.do}" if broken else ""),
        problems=[*(class_problem(folder, "no image in this folder") for folder in empty), *also.problems],
    )


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__MACOSX"))
    )


def _loose_files(folders: set[Path]) -> list[Path]:
    return sorted(file for folder in folders for file in folder.iterdir() if file.is_file())


def _unused_note(root: Path, parts: Mapping[str, Path]) -> list[str]:
    unused = [] if root in parts.values() else [folder for folder in _subfolders(root) if folder not in parts.values()]
    return [f"unused folders beside the splits: {listed(printable(Path(f.name)) for f in unused)}"] if unused else []
