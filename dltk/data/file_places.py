"""Where something is wrong in files that have no lines: images, arrays, archives and folders of them."""

from __future__ import annotations

from pathlib import Path

from dltk.config.errors import DataError, shown
from dltk.config.problems import FilePlace, Problem
from dltk.config.terminal import short


def file_place(path: Path, member: str = "", index: int | None = None) -> FilePlace:
    """Return a file, or a place in one, which messages call by its shortest path; wrong bytes in it are replaced."""
    return FilePlace(short(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace"), member, index)


def unfit_file(place: FilePlace, what: str, *, found: str = "", allowed: str = "", do: str = "") -> DataError:
    """Return the error for a file that is no table, of which something in a place is wrong."""
    problem = Problem((), what, place, id="DLTK-DATA-FILE", found=found, allowed=allowed)
    return DataError(f"{shown(Path(place.source).name)} cannot be used", do=do, problems=[problem])


def class_problem(folder: Path, what: str) -> Problem:
    """Return a problem of a folder that stands for a class, or holds such folders."""
    return Problem((), what, file_place(folder), id="DLTK-DATA-CLASS")
