"""Whether tables and texts have room in memory, or are read block by block from a file in dltk's cache."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from stat import S_ISREG

from dltk.config.errors import OutOfResources
from dltk.data.disk.choosing import asked_storage
from dltk.data.resources import available_bytes
from dltk.data.transfer import spelled

TIMES = 3
"""How much memory a byte of a file takes while it is read: the bytes, the text, the cells."""
BYTES_PER_ROW, BYTES_PER_NUMBER, BYTES_PER_WORD = 130, 7, 40
"""What more a row, a number for the model, and a word of a text need; measured by tests/unit/data/test_needs.py."""
MAX_CATEGORIES = 100
MIN_BYTES = 1 << 26
SHARE_OF_MEMORY = 0.5
"""Tables and texts are read into memory where they take at most this part of what is available."""
_SAMPLE_BYTES = 1 << 16
_UNPACKED_SAMPLE_BYTES = 1 << 22
_SEPARATORS = (b",", b";", b"\t", b"|")
_MOSTLY = 0.9

Need = Callable[[Sequence[bytes]], float]
"""Lines of a file -> bytes of memory that each of their bytes needs, beside `TIMES`."""


def of_cells(lines: Sequence[bytes]) -> float:
    """Return what rows of a table need once they are encoded: a column of categories becomes as many numbers."""
    separator = max(_SEPARATORS, key=lambda mark: sum(line.count(mark) for line in lines))
    columns = zip(*(line.split(separator) for line in lines), strict=False)
    numbers = sum(_numbers_of(column) for column in columns)
    return len(lines) * (BYTES_PER_ROW + BYTES_PER_NUMBER * numbers) / _size_of(lines)


def of_words(lines: Sequence[bytes]) -> float:
    """Return what lines of text need once they are encoded word by word."""
    num_words = sum(len(line.split()) for line in lines)
    return (len(lines) * BYTES_PER_ROW + num_words * BYTES_PER_WORD) / _size_of(lines)


def belongs_on_disk(files: Sequence[Path], need: Need) -> bool:
    """Return whether the cells or texts of files are to be kept on disk: as asked for, else where they need too much.

    The need is estimated from the sizes of the files, and from some lines of the first of them. What is no file, such
    as a pipe, can be read only once, into memory.
    """
    sizes = [] if asked_storage() == "memory" else [_size(file) for file in files]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        return False
    needed, available = needed_bytes(files, sum(known), need), available_bytes()
    is_much = needed is not None and available is not None and needed > SHARE_OF_MEMORY * available
    return is_much or asked_storage() == "disk"


def refuse_without_room(files: Sequence[Path], need: Need = of_cells) -> None:
    """Refuse files whose cells and texts, by the same estimate, do not fit in memory, before they are read into it.

    Raises:
        OutOfResources: There is no room.
    """
    num_bytes = sum(map(unpacked_bytes, files))
    needed = needed_bytes(files, num_bytes, need)
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


def needed_bytes(files: Sequence[Path], num_bytes: int, need: Need) -> int | None:
    """Return about what so many bytes of files take in memory, read and encoded; None where they are few."""
    return int(num_bytes * (TIMES + need(_lines_of(files[0])))) if num_bytes >= MIN_BYTES else None


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


def _lines_of(file: Path) -> list[bytes]:
    """Return some lines from all over a file, from the beginning of a packed one, without the first of each place."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            last = 0 if file.suffix == ".gz" else max(0, opened.seek(0, os.SEEK_END) - _SAMPLE_BYTES)
            samples = []
            for place in (0, last // 2, last) if last else (0,):
                opened.seek(place)
                samples.append(opened.read(_SAMPLE_BYTES))
    except (OSError, EOFError, zlib.error):  # reading tells
        return []
    return [line for sample in samples for line in sample.splitlines()[1:-1] or sample.splitlines()]


def _numbers_of(column: Sequence[bytes]) -> int:
    """Return how many numbers a model takes for each cell of a column."""
    cells = [cell.strip(b'" ') for cell in column]
    are_numbers = sum(not cell or _is_number(cell) for cell in cells) >= _MOSTLY * len(cells)
    return 1 if are_numbers else min(MAX_CATEGORIES, len(set(cells)))


def _is_number(cell: bytes) -> bool:
    try:
        float(cell.replace(b",", b"."))
    except ValueError:
        return False
    return True


def _size_of(lines: Sequence[bytes]) -> int:
    return max(1, sum(len(line) + 1 for line in lines))
