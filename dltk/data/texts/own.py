"""A user's own texts at predict: lines of a file or of standard input, files of a folder, rows of a table."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dltk.config.errors import DataError, MissingInput, shown
from dltk.data.files import links_note
from dltk.data.samples import Columns
from dltk.data.texts.files import (
    STANDARD_INPUT,
    Encoding,
    encoding_notes,
    for_other_files,
    lines_of,
    place_of,
    read_decoded,
)

TEXT = "text"
ReadTable = Callable[[str], Columns]
_TABLE_SUFFIXES = (".csv", ".tsv", ".gz")
HOW_TO_PIPE = 'to predict a sentence, pipe it: echo "I liked this one." | dltk predict RUN -'


@dataclass(frozen=True)
class OwnFiles:
    """How a user's own files are read.

    Attributes:
        encoding: Of the training texts; UTF-8 is tried first.
        read_table: Reads a .csv or .tsv file, where the data set is a table.
    """

    encoding: Encoding = "utf-8"
    read_table: ReadTable | None = None

    def open(self, path: str) -> Columns:
        """Read one text per line of a .txt file or of standard input ("-"), or one per *.txt file of a folder.

        Raises:
            MissingInput: There is no such file or folder, or a folder without texts.
            DataError: A file is no text in these encodings, of another kind, or empty.
        """
        place, encoding = Path(path), for_other_files(self.encoding)
        if path != STANDARD_INPUT and place.is_dir():
            files = _files_in(place)
            texts = [read_decoded(str(file), encoding) for file in files]
            names, notes = [file.name for file in files], [*encoding_notes(path, texts), *links_note(files, place)]
            return Columns({TEXT: [text.text for text in texts]}, {}, names, notes=notes)
        if place.suffix.lower() in _TABLE_SUFFIXES and self.read_table is not None:
            return self.read_table(path)
        if path != STANDARD_INPUT and place.suffix.lower() != ".txt":
            raise DataError(
                f"{shown(place.name)} is no file of texts",
                where=str(place.absolute()),
                expected="a .txt file with one text per line, a folder of .txt files, or - for standard input",
            )
        decoded = read_decoded(path, encoding)
        lines, name = lines_of(decoded.text), "stdin" if path == STANDARD_INPUT else place.name
        if not lines:
            raise DataError("an empty file", where=place_of(path), expected="one text per line")
        names = [f"{name}:{number}" for number in range(1, len(lines) + 1)]
        return Columns({TEXT: lines}, {}, names, notes=encoding_notes(path, [decoded]))


def text_names(folder: Path) -> list[str]:
    """Return the names of the *.txt files of a folder itself, sorted; hidden ones do not count."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return sorted(name for name in names if name.lower().endswith(".txt") and not name.startswith("."))


def _files_in(folder: Path) -> list[Path]:
    files = [folder / name for name in text_names(folder)]
    if not files:
        raise MissingInput(f"there is no *.txt file in {shown(folder.name)}", where=str(folder.absolute()))
    return files
