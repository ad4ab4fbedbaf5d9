"""Whether tables and texts have room in memory, or are read block by block from a file in dltk's cache."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG

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
    sizes = [] if asked_storage() == "memory" else [_size(file) for file in files]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        return False
    needed, available = _needed_bytes(files, sum(known)), available_bytes()
    is_much = needed is not None and available is not None and needed > SHARE_OF_MEMORY * available
    return is_much or asked_storage() == "disk"


def refuse_without_room(files: Sequence[Path]) -> None:
    """Refuse files whose cells and texts, by the same estimate, do not fit in memory, before they are read into it.

    Raises:
        OutOfResources: There is no room.
    """
    num_bytes = sum(map(unpacked_bytes, files))
    needed = _needed_bytes(files, num_bytes)
    available = None if needed is None else available_bytes()
    if needed is not None and available is not None and needed > available:
        what = files[0].name if len(files) == 1 else f"{len(files):,} texts"
        raise OutOfResources(
            f"there is no room in memory for {what}",
            where=str(files[0]),
            found=f"{spelled(available)} available",
            expected=f"about {spelled(needed)} for {spelled(num_bytes)} of tables and texts",
            do="leave data.storage out or set it to disk; else train on a part of the rows",
        )


def _needed_bytes(files: Sequence[Path], num_bytes: int) -> int | None:
    """Return what reading so many bytes of files into memory takes; None where they are few."""
    return int(num_bytes * (TIMES + BYTES_PER_CELL * _cells_per_byte(files[0]))) if num_bytes >= MIN_BYTES else None


def unpacked_bytes(file: Path) -> int:
    """Return the size of a file, of a packed one (.gz) about what it unpacks to, by what its beginning does."""
    return _size(file) or 0


def _size(file: Path) -> int | None:
    """Return what `unpacked_bytes` does; None where it is no file, such as a pipe."""
    try:
        facts = os.stat(file)  # noqa: PTH116 - of many files, and a Path costs more than the question
    except OSError:
        return None
    size = facts.st_size
    if not S_ISREG(facts.st_mode):
        return None
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
