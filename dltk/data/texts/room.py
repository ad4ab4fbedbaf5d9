"""Whether tables and texts, which are read as a whole, have room in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dltk.config.errors import OutOfResources
from dltk.data.resources import available_bytes
from dltk.data.transfer import spelled

TIMES = 5
"""How much memory a byte of a file takes while it is read: the bytes, the text, the cells."""
BYTES_PER_CELL = 90
MIN_BYTES = 1 << 26
_SAMPLE_BYTES = 1 << 16
_SEPARATORS = b",;\t|\n"


def refuse_without_room(files: Sequence[Path]) -> None:
    """Refuse files whose cells and texts would not fit in the memory that is available, before they are read.

    The need is estimated from their sizes, and from how many cells the first of them has in its first bytes. Packed
    files, whose size tells little, pass.

    Raises:
        OutOfResources: There is no room.
    """
    num_bytes = sum(file.stat().st_size for file in files if file.suffix != ".gz" and file.is_file())
    available = available_bytes() if num_bytes >= MIN_BYTES else None
    if available is None:
        return
    needed = int(num_bytes * (TIMES + BYTES_PER_CELL * _cells_per_byte(files[0])))
    if needed > available:
        what = files[0].name if len(files) == 1 else f"{len(files):,} texts"
        raise OutOfResources(
            f"there is no room in memory for {what}",
            where=str(files[0]),
            found=f"{spelled(available)} available",
            expected=f"about {spelled(needed)}: tables and texts are read as a whole, {spelled(num_bytes)} here",
            do="train on a part of the rows, or on a machine with more memory; only image files are read from disk",
        )


def _cells_per_byte(file: Path) -> float:
    with file.open("rb") as opened:
        sample = opened.read(_SAMPLE_BYTES)
    return sum(sample.count(separator) for separator in _SEPARATORS) / max(1, len(sample))
