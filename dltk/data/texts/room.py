"""Whether tables and texts have room in memory, or are read block by block from a file in dltk's cache."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

from dltk.config.errors import OutOfResources
from dltk.data.disk.choosing import asked_storage
from dltk.data.resources import available_bytes
from dltk.data.transfer import spelled

TIMES = 5
"""How much memory a byte of a file takes while it is read: the bytes, the text, the cells."""
BYTES_PER_CELL = 90
MIN_BYTES = 1 << 26
SHARE_OF_MEMORY = 0.5
"""Tables and texts are read into memory where they take at most this part of what is available."""
_SAMPLE_BYTES = 1 << 16
_UNPACKED_SAMPLE_BYTES = 1 << 22
_SEPARATORS = b",;\t|\n"


def belongs_on_disk(files: Sequence[Path]) -> bool:
    """Return whether the cells or texts of files are to be kept on disk: as asked for, else where they need too much.

    The need is estimated from the sizes of the files, and from how many cells the first of them has in its first bytes.
    What is no file, such as a pipe, can be read only once, into memory.
    """
    if asked_storage() != "auto" or not all(file.is_file() for file in files):
        return asked_storage() == "disk" and all(file.is_file() for file in files)
    needed, available = _needed_bytes(files), available_bytes()
    return needed is not None and available is not None and needed > SHARE_OF_MEMORY * available


def refuse_without_room(files: Sequence[Path]) -> None:
    """Refuse files whose cells and texts, by the same estimate, do not fit in memory, before they are read into it.

    Raises:
        OutOfResources: There is no room.
    """
    needed = _needed_bytes(files)
    available = None if needed is None else available_bytes()
    if needed is not None and available is not None and needed > available:
        what = files[0].name if len(files) == 1 else f"{len(files):,} texts"
        raise OutOfResources(
            f"there is no room in memory for {what}",
            where=str(files[0]),
            found=f"{spelled(available)} available",
            expected=f"about {spelled(needed)} for {spelled(_num_bytes(files))} of tables and texts",
            do="leave data.storage out or set it to disk; else train on a part of the rows",
        )


def _needed_bytes(files: Sequence[Path]) -> int | None:
    """Return what reading files into memory takes; None where they are small."""
    num_bytes = _num_bytes(files)
    return int(num_bytes * (TIMES + BYTES_PER_CELL * _cells_per_byte(files[0]))) if num_bytes >= MIN_BYTES else None


def _num_bytes(files: Sequence[Path]) -> int:
    return sum(map(unpacked_bytes, files))


def unpacked_bytes(file: Path) -> int:
    """Return the size of a file, of a packed one (.gz) about what it unpacks to, by what its beginning does."""
    if not file.is_file():
        return 0
    size = file.stat().st_size
    if file.suffix != ".gz":
        return size
    try:
        return _unpacked(file, size)
    except (OSError, EOFError, zlib.error):  # reading tells
        return size


def _unpacked(file: Path, size: int) -> int:
    """Return what a small packed file says of itself, and what the beginning of a large one lets expect."""
    with file.open("rb") as packed:
        if size < _UNPACKED_SAMPLE_BYTES:
            packed.seek(-min(4, size), os.SEEK_END)
            return int.from_bytes(packed.read(), "little")
        num_bytes = len(gzip.GzipFile(fileobj=packed).read(_UNPACKED_SAMPLE_BYTES))
        return num_bytes * size // max(1, min(size, packed.tell()))


def _cells_per_byte(file: Path) -> float:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            sample = opened.read(_SAMPLE_BYTES)
    except (OSError, EOFError, zlib.error):  # reading tells
        return 0
    return sum(sample.count(separator) for separator in _SEPARATORS) / max(1, len(sample))
