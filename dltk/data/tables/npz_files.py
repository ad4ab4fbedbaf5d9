"""Numpy's .npz archives of numbers: read without unpickling, and only as large as expected."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dltk.config.errors import listed
from dltk.data.file_places import file_place, unfit_file

MAX_BYTES = 1 << 30


def read_arrays(path: Path, names: Sequence[str], max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray[Any, Any]]:
    """Return arrays of numbers of an archive, by name.

    Raises:
        DataError: It is no such archive, lacks an array, or holds objects, which only pickle could read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_unfit(archive, path, names, max_bytes)
            return {name: _array(archive, name) for name in names}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError) as error:
        raise unfit_file(file_place(path), "the .npz archive cannot be read", found=str(error)) from None


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    with archive.open(f"{name}.npy") as file:
        values: np.ndarray[Any, Any] = np.lib.format.read_array(file, allow_pickle=False)
    return values


def _refuse_unfit(archive: zipfile.ZipFile, path: Path, names: Sequence[str], max_bytes: int) -> None:
    sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in archive.infolist()}
    lacking = [name for name in names if name not in sizes]
    if lacking:
        place = file_place(path)
        raise unfit_file(place, f"the .npz archive lacks {listed(lacking)}", found=listed(sizes), allowed=listed(names))
    total = sum(sizes[name] for name in names)
    if total > max_bytes:
        raise unfit_file(
            file_place(path),
            "the .npz archive is larger than it can be",
            found=f"{total:,} bytes",
            allowed=f"at most {max_bytes:,}",
        )
