"""A user's own texts at predict: lines of a file or of standard input, files of a folder, rows of a table."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dltk.config.errors import DataError, MissingInput, shown
from dltk.data.files import links_note
from dltk.data.places import Sheet
from dltk.data.samples import Columns
from dltk.data.texts.columns import Open, Reading, Wanted, read_columns, read_files
from dltk.data.texts.files import STANDARD_INPUT, Encoding, encoding_notes, for_other_files, place_of

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
            read = read_files(files, place, encoding)
            notes = [*read.facts["notes"], *links_note(files, place)]
            return Columns({TEXT: read.cells[TEXT]}, {}, read.names("name"), notes=notes)
        if place.suffix.lower() in _TABLE_SUFFIXES and self.read_table is not None:
            return self.read_table(path)
        if path != STANDARD_INPUT and place.suffix.lower() != ".txt":
            raise DataError(
                f"{shown(place.name)} is no file of texts",
                where=str(place.absolute()),
                expected="a .txt file with one text per line, a folder of .txt files, or - for standard input",
            )
        facts = {"what": "lines of a file", "encoding": encoding}
        wanted = Wanted([] if path == STANDARD_INPUT else [place], (TEXT, "line"), facts, f"lines of {place.name}")
        read = read_columns(wanted, lambda open_text: _lines(path, encoding, open_text))
        names = read.names("line", f"{'stdin' if path == STANDARD_INPUT else place.name}:")
        return Columns({TEXT: read.cells[TEXT]}, {}, names, notes=read.facts["notes"])


def _lines(path: str, encoding: Encoding, open_text: Open) -> Reading:
    """Yield each line with its number."""
    opened, number = open_text(path, encoding), 0
    for number, line in enumerate(Sheet.of(path, opened.text).plain(), start=1):
        yield line, str(number)
    if not number:
        raise DataError("an empty file", where=place_of(path), expected="one text per line")
    return {"notes": encoding_notes(path, [opened])}


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
