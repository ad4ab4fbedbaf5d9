"""Where data files lie: data roots, the cache, and archives read as folders."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dltk.config.errors import DataError, IntegrityError, MissingInput, at_most_shown, shown
from dltk.data import archives, download
from dltk.data.download import Remote
from dltk.data.transfer import say

_JUNK = ("__MACOSX", ".")


def cache_directory() -> Path:
    """Return where dltk keeps what can be made again: $DLTK_CACHE, else the platform's cache; it may not exist yet."""
    chosen = os.environ.get("DLTK_CACHE")
    if chosen:
        return Path(chosen).absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "dltk"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "dltk"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(xdg) if xdg.startswith("/") else Path.home() / ".cache") / "dltk"


def users_root() -> str | None:
    """Return the folder that $DLTK_DATA names, absolute; None where it names none."""
    chosen = os.environ.get("DLTK_DATA")
    return str(Path(chosen).absolute()) if chosen and Path(chosen).is_dir() else None


def data_roots(root: str | None) -> list[Path]:
    """Return the folders to look in, in order: `root`, or $DLTK_DATA where it is None, then the cache."""
    chosen = root or os.environ.get("DLTK_DATA")
    return [*([Path(chosen).absolute()] if chosen else []), cache_directory()]


def find(relative_names: Sequence[str], root: str | None) -> Path | None:
    """Return the first of the names that exists below a data root; earlier roots, then earlier names, go first."""
    places = (folder / name for folder in data_roots(root) for name in relative_names)
    return next((place for place in places if place.exists()), None)


def obtain(title: str, remotes: Sequence[Remote], root: str | None) -> list[Path]:
    """Return where each file of a data set is: below a data root, or downloaded into the cache just now.

    Args:
        title: What the user calls the data set, such as "MNIST".
        remotes: Its files. A dataset file keeps them in `REMOTES`, which `dltk data download` reads, too.
        root: The option `data.root`.

    Raises:
        MissingInput: A file is nowhere, and dltk is offline or `root` is no folder.
        Unavailable: A file cannot be downloaded.
        IntegrityError: A file in the cache is not what was downloaded, and dltk is offline.
    """
    found = [_intact(find([*remote.found_as, remote.name], root)) for remote in remotes]
    absent = [remote for remote, path in zip(remotes, found, strict=True) if path is None]
    if absent and (download.is_offline() or (root is not None and not Path(root).is_dir())):
        raise _not_placed(title, absent, root)
    for remote in absent:
        download.fetch(remote, cache_directory() / remote.name)
    return [path or cache_directory() / remote.name for remote, path in zip(remotes, found, strict=True)]


def locate(path_text: str, directory: Path) -> Path:
    """Return what a written path means, absolute, whether or not it exists.

    A relative path is looked for below `directory` (the config's own, or the current one), then below the data roots.
    """
    path = Path(path_text).expanduser() if path_text.startswith(("~/", "~\\")) else Path(path_text)
    below = (directory / path).absolute()
    if path.is_absolute() or below.exists():
        return below
    return find([path_text], None) or below


def missing(what: str, names: Sequence[str], root: str | None) -> MissingInput:
    """Return the error for data found nowhere: every place looked at, and what to put there."""
    places = [str(folder / name) for folder in data_roots(root) for name in names]
    home = "data.root" if root else "the folder that $DLTK_DATA names"
    return MissingInput(
        f"{what} is not there",
        where="looked for " + ", ".join(places),
        expected=" or ".join(names),
        do=f"put it below {home}, or point data.root or the environment variable $DLTK_DATA at the folder that has it",
    )


def _not_placed(title: str, absent: Sequence[Remote], root: str | None) -> MissingInput:
    """Return the error for files that are to be downloaded, where that is not to be."""
    error = missing(title, [remote.name for remote in absent], root)
    error.where += "; docs/datasets.md has the other names that count"
    urls = ", ".join(remote.urls[0] for remote in absent)
    error.expected = f"{', '.join(remote.name for remote in absent)}, from {urls}"
    how = "without --offline and $DLTK_OFFLINE" if download.is_offline() else "without data.root"
    error.do = f"{error.do}; or let dltk download it, {how}"
    return error


def _intact(path: Path | None) -> Path | None:
    """Return a file, or None where it was downloaded and is no longer what came then: it is downloaded anew."""
    pin = None if path is None or path.is_dir() else download.pinned_digest(path)
    if path is None or pin is None or sha256_of(path) == pin:
        return path
    if download.is_offline():
        raise IntegrityError(
            f"{shown(path.name)} is not what was downloaded",
            where=str(path),
            do="remove it, and run without --offline",
        )
    say(f"warning[DLTK-WARN-DOWNLOAD]: {path} is not what was downloaded; kept as {download.quarantine(path).name}")
    return None


def refuse_absent(inputs: Sequence[str], do: str = "") -> None:
    """Refuse inputs of `dltk predict` that lead nowhere, all at once.

    Args:
        inputs: Paths, relative to the current directory, or "-" for standard input.
        do: What to do instead.

    Raises:
        MissingInput: Some are not there.
    """
    absent = [text for text in inputs if text != "-" and not _exists(Path(text))]
    if absent:
        is_one = len(absent) == 1
        raise MissingInput(
            f"there is no file or folder {shown(absent[0])}" if is_one else f"{len(absent)} inputs are not there",
            where=at_most_shown([str(Path(text).absolute()) for text in absent]),
            do=do,
        )


def not_there(path: Path) -> MissingInput:
    """Return the error for a path of the user's that leads nowhere; `locate` has looked everywhere already."""
    return MissingInput(
        f"there is no {shown(path.name)}",
        where=str(path.absolute()),
        do="correct the path; a relative one is looked for beside the config, below $DLTK_DATA and in dltk's cache",
    )


def as_directory(path: Path) -> Path:
    """Return a folder as it is, or the folder that an archive holds, unpacked once into the cache.

    Raises:
        MissingInput: There is nothing.
        DataError: It is neither a folder nor an archive, or the archive is damaged.
        IntegrityError: The archive could harm: names outside its folder, links, a bomb.
    """
    if path.is_dir():
        return path
    if not path.exists():
        raise not_there(path)
    if not is_folder(path):
        raise DataError(
            f"{shown(path.name)} is neither a folder nor an archive",
            where=str(path.absolute()),
            expected=f"a folder, or a file that ends in {', '.join(archives.SUFFIXES)}",
        )
    target = cache_directory() / "unpacked" / sha256_of(path)
    if not target.is_dir():
        archives.unpack(path, target)
    entries = [entry for entry in target.iterdir() if not entry.name.startswith(_JUNK)]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else target


def links_note(files: Sequence[Path], root: Path) -> list[str]:
    """Return a note on files that are found in a folder and lie elsewhere, or nothing where there are none."""
    base = root.resolve()
    inside = {folder: folder.resolve().is_relative_to(base) for folder in {file.parent for file in files}}
    outside = [
        file
        for file in files
        if not (file.resolve().is_relative_to(base) if file.is_symlink() else inside[file.parent])
    ]
    if not outside:
        return []
    example = shown(outside[0].relative_to(root).as_posix())
    return [f"{len(outside)} of {len(files)} files are reached by links that lead out of the folder, such as {example}"]


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder, or called like an archive of one."""
    return path.is_dir() or (path.is_file() and path.name.lower().endswith(archives.SUFFIXES))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a sentence, which is too long for a name
        return False


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, computed once per process while it stays as it is.

    Raises:
        MissingInput: It cannot be read.
    """
    try:
        facts = path.stat()
        return _digest(path.absolute(), facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        raise MissingInput(f"cannot read {shown(path.name)}: {error.strerror}", where=str(path.absolute())) from None


@cache
def _digest(path: Path, _size: int, _modified_at: int) -> str:
    """Return the SHA-256 of a file, computed once per process while its size and time stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
