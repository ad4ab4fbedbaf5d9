"""A user's own texts at predict: lines of a file or of standard input, files of a folder, rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dltk.config.errors import DataError, MissingInput, shown
from dltk.data.samples import Columns
from dltk.data.texts.files import STANDARD_INPUT, lines_of, read_text

TEXT = "text"
ReadTable = Callable[[str], Columns]
_TABLE_SUFFIXES = (".csv", ".tsv", ".gz")
_SENTENCE = "I liked this one."


def open_texts(path: str, read_table: ReadTable | None) -> Columns:
    """Read one text per line of a .txt file or of standard input ("-"), or one per *.txt file of a folder.

    Args:
        path: Where they are.
        read_table: Reads a .csv or .tsv file, where the data set is a table.

    Raises:
        MissingInput: There is no such file or folder, or a folder without texts.
        DataError: A file is no UTF-8 text, or of another kind.
    """
    place = Path(path)
    if path != STANDARD_INPUT and place.is_dir():
        return _folder(place)
    if path != STANDARD_INPUT and not place.exists():
        raise MissingInput(
            f"there is no file or folder {shown(path)}",
            where=str(place.absolute()),
            do=f'to predict a sentence, pipe it: echo "{_SENTENCE}" | dltk predict RUN -',
        )
    if place.suffix.lower() in _TABLE_SUFFIXES and read_table is not None:
        return read_table(path)
    if path != STANDARD_INPUT and place.suffix.lower() != ".txt":
        raise DataError(
            f"{shown(place.name)} is no file of texts",
            where=str(place.absolute()),
            expected="a .txt file with one text per line, a folder of .txt files, or - for standard input",
        )
    lines, name = lines_of(read_text(path)), "stdin" if path == STANDARD_INPUT else place.name
    return Columns({TEXT: lines}, {}, [f"{name}:{number}" for number in range(1, len(lines) + 1)])


def text_files(folder: Path) -> list[Path]:
    """Return the *.txt files of a folder itself, sorted by name; hidden ones do not count."""
    return sorted(
        (path for path in folder.iterdir() if path.suffix.lower() == ".txt" and not path.name.startswith(".")),
        key=lambda path: path.name,
    )


def _folder(folder: Path) -> Columns:
    files = text_files(folder)
    if not files:
        raise MissingInput(f"there is no *.txt file in {shown(folder.name)}", where=str(folder.absolute()))
    return Columns({TEXT: [read_text(str(file)) for file in files]}, {}, [file.name for file in files])
