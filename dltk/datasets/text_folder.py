"""Your own texts, one folder per class and one .txt file per text; train/, val/ and test/ are kept as splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dltk.config.errors import DataError, shown
from dltk.config.sections import PathText
from dltk.data.file_places import class_problem
from dltk.data.files import as_directory, is_folder, links_note
from dltk.data.proposals import Proposal
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Spec
from dltk.data.texts.columns import read_files
from dltk.data.texts.files import Encoding
from dltk.data.texts.options import TextOptions
from dltk.data.texts.own import TEXT, OwnFiles, text_names
from dltk.data.texts.preparation import TextPreparation, expected_spec, in_natural_order, labelled
from dltk.data.texts.proposing import proposed_texts_of_folders

_PARTS = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}
_UNLABELLED = "unsup"
_MOST_SHOWN = 5


class Config(TextOptions):
    """Options of a text folder."""

    path: PathText
    """A folder, or an archive of one: a subfolder per class, or train/, val/ and test/ with such subfolders."""
    encoding: Encoding = "utf-8"
    """How the text is encoded, such as cp949 or latin-1; of a list, the first that fits each file."""


def describe(config: Config) -> Spec:
    """Return what texts become, as wide as the vocabulary may be, and the names of the class folders."""
    parts = _parts(as_directory(Path(config.path)))
    names = _class_names({name: _class_folders(folder) for name, folder in parts.items()})
    return expected_spec(config, Classes(names))


def read(config: Config) -> Source:
    """Return every text with the name of its folder.

    Raises:
        DataError: There are no class folders, one has no texts, or a file is no text in this encoding.
    """
    root = as_directory(Path(config.path))
    parts = _parts(root)
    folders = {name: _class_folders(folder) for name, folder in parts.items()}
    _class_names(folders)
    samples = {}
    for name, classes in folders.items():
        files = [(label, folder / file) for label, folder in classes.items() for file in text_names(folder)]
        columns = read_files([file for _, file in files], parts[name], config.encoding)
        names = columns.names("name", "" if parts[name] == root else f"{parts[name].relative_to(root).as_posix()}/")
        notes = [*columns.facts["notes"], *_unread(name, parts[name], classes)]
        notes += links_note([file for _, file in files], root)
        samples[name] = labelled(columns.cells[TEXT], [label for label, _ in files], names, notes)
    notes = [note for part in samples.values() for note in part.notes]
    return Source(samples, [*notes, *_unused(root, parts)])


def count(config: Config) -> Mapping[str, int]:
    """Return how many files of texts there are."""
    parts = {name: _class_folders(folder) for name, folder in _parts(as_directory(Path(config.path))).items()}
    return {name: sum(len(text_names(place)) for place in classes.values()) for name, classes in parts.items()}


def prepare(config: Config, train: Columns) -> TextPreparation:
    """Collect the vocabulary of the training texts."""
    spec = describe(config)
    assert isinstance(spec.target, Classes)
    return TextPreparation.fit(train, config, spec.target, OwnFiles(config.encoding))


def restore(config: Config, state: State) -> TextPreparation:
    """Rebuild the preparation."""
    return TextPreparation.restore(state, OwnFiles(config.encoding))


def propose(path: Path, target: str) -> Proposal | None:  # noqa: ARG001
    """Return a config for texts in one folder per class."""
    if not is_folder(path):
        return None
    train = _parts(as_directory(path))["train"]
    folders = {name: folder for name, folder in _subfolders(train).items() if name != _UNLABELLED}
    files = {name: [folder / file for file in text_names(folder)] for name, folder in folders.items()}
    if len(files) < 2 or not all(files.values()):
        return None
    return proposed_texts_of_folders(path, files)


def _parts(root: Path) -> dict[str, Path]:
    """Return the folder of each official part; the root is the only one unless it has a "train"."""
    if not (root / "train").is_dir():
        return {"train": root}
    places = {part: [root / name for name in names if (root / name).is_dir()] for part, names in _PARTS.items()}
    return {part: found[0] for part, found in places.items() if found}


def _subfolders(folder: Path) -> dict[str, Path]:
    found = {place.name: place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")}
    return {name: found[name] for name in sorted(found)}


def _class_folders(folder: Path) -> dict[str, Path]:
    found = {name: place for name, place in _subfolders(folder).items() if name != _UNLABELLED}
    if not found:
        raise DataError(
            "there are no class folders",
            expected="one folder per class, with one .txt file per text",
            do="a file with a text and a label per line is read by data.name: text_csv",
            problems=[class_problem(folder, "there is no folder in this one")],
        )
    empty = [place for place in found.values() if not text_names(place)]
    if empty:
        raise DataError(
            "there are class folders without a .txt file",
            do="add texts or remove these folders",
            problems=[class_problem(place, "no .txt file in this folder") for place in empty],
        )
    return found


def _class_names(folders: Mapping[str, Mapping[str, Path]]) -> tuple[str, ...]:
    """Return the names of the classes, two or more, of which no part has others than train."""
    names = in_natural_order(set(folders["train"]))
    if len(names) < 2:
        raise DataError("there is only one class folder", found=shown(names[0]), expected="two classes or more")
    unknown = [place for classes in folders.values() for name, place in classes.items() if name not in names]
    if unknown:
        raise DataError(
            "there are classes that train/ has not",
            expected=_some(names),
            problems=[class_problem(place, "train/ has no such class") for place in unknown],
        )
    return names


def _unread(part: str, folder: Path, classes: Mapping[str, Path]) -> list[str]:
    """Say what lies among the texts of a part and is no text of a class."""
    notes = [f"{part}/{_UNLABELLED} has no labels and is not read"] if (folder / _UNLABELLED).is_dir() else []
    beside = [place.name for place in folder.iterdir() if place.is_file()]
    read = {name: set(text_names(class_folder)) for name, class_folder in classes.items()}
    among = [
        f"{name}/{place.name}"
        for name, class_folder in classes.items()
        for place in class_folder.iterdir()
        if place.name not in read[name]
    ]
    if beside:
        notes.append(f"{part}: {len(beside)} files beside the class folders are not read: {_some(beside)}")
    if among:
        notes.append(f"{part}: {len(among)} entries that are no .txt files are not read: {_some(among)}")
    return notes


def _unused(root: Path, parts: Mapping[str, Path]) -> list[str]:
    unused = [name for name, place in _subfolders(root).items() if place not in parts.values()]
    return [f"folders beside the splits are not read: {_some(unused)}"] if unused and root not in parts.values() else []


def _some(names: Sequence[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > _MOST_SHOWN else ""
    return ", ".join(map(shown, sorted(names)[:_MOST_SHOWN])) + more
