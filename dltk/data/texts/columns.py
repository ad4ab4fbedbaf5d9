"""Columns of text as data sets read them: held in memory, or written once to a file of dltk's cache."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor

from dltk.config.errors import MissingInput
from dltk.data.disk.choosing import asked_storage
from dltk.data.disk.store import WantedBytes, Write, sources_of, stored_bytes
from dltk.data.packed.cells import PackedCells, PackedColumns, RowNames
from dltk.data.packed.chosen import Chosen
from dltk.data.packed.packing import CellWriter
from dltk.data.places import Text
from dltk.data.samples import taken
from dltk.data.texts.files import Encoding, encoding_notes, explained, read_decoded
from dltk.data.texts.room import belongs_on_disk, of_words, refuse_without_room, unpacked_bytes
from dltk.data.texts.streams import file_text

_PIECE_ROWS = 1 << 10
_PIECE_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A text that is in memory or stays in its file, and which of several encodings it is in."""

    text: str | Text
    encoding: str | None


Open: TypeAlias = Callable[[str, Encoding], Opened]
"""(path, encoding) -> the text; raises as `read_decoded` does."""
Reading: TypeAlias = Generator[Sequence[str], None, Mapping[str, Any]]
"""Rows one after another, and at the end plain values that were found on the way."""


@dataclass(frozen=True)
class Wanted:
    """What is to be read.

    Attributes:
        files: All that is read; none where that can be read only once.
        columns: Their names.
        facts: Plain values that, beside the files, decide every cell.
        what: What the user reads of it.
    """

    files: Sequence[Path]
    columns: Sequence[str]
    facts: Mapping[str, Any]
    what: str


@dataclass(frozen=True)
class TextColumns:
    """Columns of equal length.

    Attributes:
        cells: By name.
        facts: What the reading found.
    """

    cells: Mapping[str, Sequence[str]]
    facts: Mapping[str, Any]

    def take(self, indices: Tensor) -> TextColumns:
        """Return these rows only, in this order."""
        return TextColumns({name: taken(cells, indices) for name, cells in self.cells.items()}, self.facts)

    def names(self, column: str, prefix: str = "") -> Sequence[str]:
        """Return what the user calls the rows: the cells of a column behind a prefix."""
        cells = self.cells[column]
        if isinstance(cells, PackedCells):
            return RowNames(cells.chosen, prefix, cells)
        return [prefix + cell for cell in cells]


def read_columns(wanted: Wanted, read: Callable[[Open], Reading]) -> TextColumns:
    """Read columns into memory; where they would take too much, into dltk's cache, once, and they stay there.

    Args:
        wanted: Which.
        read: Begins to read them, with a function that opens texts.

    Raises:
        OutOfResources: They were wanted in memory, and there is no room.
        WriteError: The disk is full or failed.
    """
    if belongs_on_disk(wanted.files, of_words):
        return _on_disk(wanted, read)
    if asked_storage() == "memory":
        refuse_without_room(wanted.files, of_words)
    rows = _Rows(read(_opened_whole))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in wanted.columns]
    return TextColumns(dict(zip(wanted.columns, columns, strict=True)), rows.facts)


def read_files(files: Sequence[Path], folder: Path, encoding: Encoding = "utf-8") -> TextColumns:
    """Read a text per file, in the column "text", and what the files are called in their folder, in "name".

    The facts have "notes" for the user.

    Raises:
        DataError: One is no text in this encoding.
    """

    def read(_open: Open) -> Reading:
        found = []
        for file in files:
            decoded = read_decoded(str(file), encoding)
            found.append(Opened("", decoded.encoding))
            yield decoded.text, file.relative_to(folder).as_posix()
        return {"notes": encoding_notes(str(folder), found)}

    facts = {"what": "files of texts", "folder": str(folder), "encoding": encoding}
    return read_columns(Wanted(files, ("text", "name"), facts, f"{len(files):,} texts"), read)


def _on_disk(wanted: Wanted, read: Callable[[Open], Reading]) -> TextColumns:
    def make(write: Write) -> Mapping[str, Any]:
        rows, writer = _Rows(read(opened_in_place)), CellWriter(write)
        for columns in _pieces(rows):
            writer.add(columns)
        return {"found": rows.facts, "cells": writer.facts(wanted.columns)}

    try:
        facts = {**wanted.facts, "columns": wanted.columns, "sources": sources_of([str(file) for file in wanted.files])}
    except OSError as error:
        raise MissingInput(f"a file is not there any more: {error.strerror}", where=str(error.filename)) from None
    size = sum(map(unpacked_bytes, wanted.files))
    file, found = stored_bytes(WantedBytes(facts, size, wanted.what), make)
    cells = PackedColumns(file, found["cells"], found["sha256"])
    chosen = Chosen.whole(cells.starts)
    columns: dict[str, Any] = {name: PackedCells(cells, name, chosen, empty="") for name in wanted.columns}
    return TextColumns(columns, found["found"])


@dataclass
class _Rows:
    """The rows of a reading, and once all were met, what it found."""

    reading: Reading
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Sequence[str]]:
        self.facts = yield from self.reading


def _pieces(rows: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Yield the columns of some rows at a time."""
    piece, num_characters = list[Sequence[str]](), 0
    for row in rows:
        piece.append(row)
        num_characters += len(row[0])
        if len(piece) == _PIECE_ROWS or num_characters >= _PIECE_CHARACTERS:
            yield list(zip(*piece, strict=True))
            piece, num_characters = [], 0
    if piece:
        yield list(zip(*piece, strict=True))


def _opened_whole(path: str, encoding: Encoding) -> Opened:
    decoded = read_decoded(path, encoding)
    return Opened(decoded.text, decoded.encoding)


def opened_in_place(path: str, encoding: Encoding) -> Opened:
    """Return a text that is read, whenever it is asked for, from its file; raise as `read_text` does."""
    with explained(path, encoding):
        text = file_text(Path(path), encoding)
    return Opened(text, text.encoding)
