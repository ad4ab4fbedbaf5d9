"""An extractor that trusts nothing: files and folders only, inside the target, bounded, whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from dltk.config.errors import DataError, IntegrityError, MissingInput, WriteError, shown
from dltk.config.problems import Problem
from dltk.data.archive_entries import CHUNK_BYTES, Budget, Entry, Limits, Metered, Unsafe, compressed, entries_of
from dltk.data.file_places import file_place

if sys.platform != "win32":
    import fcntl

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_MAX_PART_BYTES, _MAX_NAME_BYTES = 255, 2000
_DRIVE = re.compile(r"[A-Za-z]:")
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(ValueError, LookupError, NotImplementedError, RecursionError),  # of senseless headers
)


def unpack(archive: Path, target: Path, limits: Limits | None = None) -> None:
    """Unpack a tar or zip archive to a new folder, which appears complete or not at all.

    Several processes may unpack to one target: the later ones wait for the first. Should they not see each other, each
    unpacks to a folder of its own, and the first to finish provides the target. What a killed one left is cleared away.

    Raises:
        IntegrityError: An entry could reach outside, is no regular file or folder, or comes twice; or it is a bomb.
        DataError: The archive is damaged, encrypted or of an unknown kind.
        WriteError: The files cannot be written.
    """
    with _explained(archive):
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".unfinished-{target.name}-"
        for earlier in target.parent.glob(f"{prefix}*"):
            with _owned(earlier) as is_ours:  # its owner has finished, or is dead
                if is_ours:
                    shutil.rmtree(earlier, ignore_errors=True)
        while not target.is_dir():
            unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
            with _owned(unfinished):
                if not unfinished.is_dir():  # taken for a dead one's in the moment before it was locked
                    continue
                try:
                    _fill(archive, unfinished, limits or Limits())
                    _publish(unfinished, target)
                finally:
                    shutil.rmtree(unfinished, ignore_errors=True)


def gunzip(file: Path, limits: Limits | None = None) -> bytes:
    """Return what a .gz file holds; raise as `gunzipped` does."""
    return b"".join(gunzipped(file, limits))


def gunzipped(file: Path, limits: Limits | None = None) -> Iterator[bytes]:
    """Yield what a .gz file holds, some at a time.

    Raises:
        IntegrityError: It is a bomb.
        DataError: It is damaged or no gzip file.
        MissingInput: It cannot be read.
    """
    try:
        stream = file.open("rb")
    except OSError as error:
        raise MissingInput(f"cannot read {shown(file.name)}: {error.strerror}", where=str(file.absolute())) from None
    with stream, _explained(file), gzip.open(stream) as unpacked:
        metered = Metered(unpacked, Budget(file.stat().st_size, limits or Limits()))
        yield from iter(metered.read, b"")


def check(file: Path, name: str, limits: Limits | None = None) -> None:
    """Read a compressed file to its end, which compares its checksums; other files pass.

    Args:
        file: What to read.
        name: What it will be called: its ending tells how it is compressed.
        limits: As for `unpack`.

    Raises:
        IntegrityError: It is a bomb.
        DataError: It is damaged or not of that kind.
    """
    with _explained(file), file.open("rb") as stream:
        for member in compressed(stream, name, Budget(file.stat().st_size, limits or Limits())):
            while member.read(CHUNK_BYTES):
                pass


@contextlib.contextmanager
def _explained(archive: Path) -> Iterator[None]:
    name = shown(archive.name)
    try:
        yield
    except Unsafe as error:
        problem = _problem(archive, str(error), error.entry)
        raise IntegrityError(f"the archive {name} is refused", problems=[problem]) from None
    except _DAMAGED as error:
        raise DataError(f"the archive {name} is damaged", problems=[_problem(archive, str(error))]) from None
    except OSError as error:
        if error.errno is None:  # gzip and bz2 say so when the content is wrong
            raise DataError(f"the archive {name} is damaged", problems=[_problem(archive, str(error))]) from None
        raise WriteError(f"cannot unpack {name}: {error}", where=str(archive.absolute())) from None


def _problem(archive: Path, what: str, entry: str = "") -> Problem:
    return Problem((), shown(what).strip("'\""), file_place(archive, entry), id="DLTK-DATA-ARCHIVE")


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[bool]:
    """Lock a folder, which waits while a living process has it; say whether that worked: some file systems cannot."""
    if sys.platform == "win32":
        yield False
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # it has got its final name meanwhile
        yield False
        return
    try:
        yield _is_locked_now(descriptor)
    finally:
        os.close(descriptor)


def _is_locked_now(descriptor: int) -> bool:
    assert sys.platform != "win32"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _fill(archive: Path, folder: Path, limits: Limits) -> None:
    budget = Budget(archive.stat().st_size, limits)
    with archive.open("rb") as file:
        for count, entry in enumerate(entries_of(file, budget), start=1):
            if count > limits.entries:
                raise Unsafe(f"it has more than {limits.entries} entries")
            _write(entry, folder)


def _publish(unfinished: Path, target: Path) -> None:
    if hasattr(os, "sync"):
        os.sync()  # a rename may reach the disk before the files do: a power cut would leave them empty
    try:
        unfinished.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _write(entry: Entry, folder: Path) -> None:
    place = folder.joinpath(*_parts(entry))
    try:
        if entry.data is None:
            place.mkdir(parents=True, exist_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            shutil.copyfileobj(entry.data, file, CHUNK_BYTES)
    except (FileExistsError, NotADirectoryError):
        raise Unsafe("the entry comes twice", entry.name) from None


def _parts(entry: Entry) -> list[str]:
    """Return the folders and the name of an entry, all below the target."""
    parts = [part for part in entry.name.split("/") if part not in {"", "."}]
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    reasons = {
        f"is {entry.refused}": bool(entry.refused),
        "has an absolute name": entry.name.startswith("/"),
        "leads out of the folder": ".." in parts,
        "has a backslash in its name": "\\" in entry.name,
        "has a NUL in its name": "\0" in entry.name,
        "names a drive": any(_DRIVE.match(part) for part in parts),
        "has no name": not parts and entry.data is not None,
        "has too long a name": sum(sizes) > _MAX_NAME_BYTES or max(sizes, default=0) > _MAX_PART_BYTES,
    }
    for reason, holds in reasons.items():
        if holds:
            raise Unsafe(f"the entry {reason}", entry.name)
    return parts
