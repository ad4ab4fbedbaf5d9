"""An extractor that trusts nothing: files and folders only, inside the target, bounded, whole or not at all."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Self

from dltk.config.errors import DataError, IntegrityError, MissingInput, WriteError, shown

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_CHUNK_BYTES = 1 << 20
_MAX_HEADER_BYTES = 1 << 20  # of one tar entry, long names and extended attributes included
_MAX_PART_BYTES, _MAX_NAME_BYTES = 255, 2000
_ZIP_HEADER_BYTES = 30
_DRIVE = re.compile(r"[A-Za-z]:")
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(ValueError, LookupError, NotImplementedError, RecursionError),  # of senseless headers
)
_TAR_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


@dataclass(frozen=True)
class Limits:
    """How large an archive may become: far above any data set, far below what a bomb wants.

    Attributes:
        entries: Files and folders.
        total_bytes: Unpacked.
        ratio: Unpacked bytes per byte of the archive, looked at from `ratio_from_bytes` on.
    """

    entries: int = 5_000_000
    total_bytes: int = 1 << 40
    ratio: int = 200
    ratio_from_bytes: int = 1 << 26


def unpack(archive: Path, target: Path, limits: Limits | None = None) -> None:
    """Unpack a tar or zip archive to a new folder, which appears complete or not at all.

    Several processes may unpack to one target at once: the first to finish provides it, the others drop their copy.

    Raises:
        IntegrityError: An entry could reach outside, is no regular file or folder, or comes twice; or it is a bomb.
        DataError: The archive is damaged, encrypted or of an unknown kind.
        WriteError: The files cannot be written.
    """
    with _explained(archive):
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=target.parent))
        try:
            _fill(archive, unfinished, limits or Limits())
            _publish(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def gunzip(file: Path, limits: Limits | None = None) -> bytes:
    """Return what a .gz file holds.

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
        metered = _Metered(unpacked, _Budget(file.stat().st_size, limits or Limits()))
        return b"".join(iter(metered.read, b""))


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
        for member in _compressed(stream, name, _Budget(file.stat().st_size, limits or Limits())):
            while member.read(_CHUNK_BYTES):
                pass


class _Unsafe(Exception):
    """Why an archive must not be unpacked."""


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class _Entry:
    """A file or folder of an archive; `data` is None for a folder, `refused` says what else it is."""

    name: str
    data: _Readable | None = None
    refused: str = ""


class _Budget:
    """Counts bytes as they are unpacked, whatever headers claim."""

    def __init__(self, archive_bytes: int, limits: Limits) -> None:
        most = min(limits.total_bytes, max(limits.ratio_from_bytes, limits.ratio * archive_bytes))
        self._archive_bytes, self._left = archive_bytes, most

    def spend(self, num_bytes: int) -> None:
        """Take note of bytes unpacked."""
        self._left -= num_bytes
        if self._left < 0:
            raise _Unsafe(f"it unpacks to far more than its {self._archive_bytes} bytes can honestly hold")


class _Metered:
    """A stream whose bytes are counted; `allowed` more may be read before it is a bomb."""

    def __init__(self, stream: _Readable, budget: _Budget) -> None:
        self._stream, self._budget = stream, budget
        self.allowed: int | None = None

    def read(self, size: int = _CHUNK_BYTES, /) -> bytes:
        """Read up to `size` bytes."""
        data = self._stream.read(size)
        self._budget.spend(len(data))
        if self.allowed is not None:
            self.allowed -= len(data)
            if self.allowed < 0:
                raise _Unsafe("an entry has a header of more than a megabyte")
        return data


class _Header(tarfile.TarInfo):
    """A tar header, where tarfile alone would take a broken one for the end of the archive."""

    @classmethod
    def frombuf(cls, block: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header; a block of zeros is the end."""
        try:
            return super().frombuf(block, encoding, errors)
        except tarfile.HeaderError as error:
            if len(block) == tarfile.BLOCKSIZE and not any(block):
                raise
            raise tarfile.ReadError(f"{error} before its end") from None


@contextlib.contextmanager
def _explained(archive: Path) -> Iterator[None]:
    where = str(archive.absolute())
    try:
        yield
    except _Unsafe as error:
        raise IntegrityError(f"the archive {shown(archive.name)} is refused: {error}", where=where) from None
    except _DAMAGED as error:
        raise DataError(f"the archive {shown(archive.name)} is damaged: {error}", where=where) from None
    except OSError as error:
        if error.errno is None:  # gzip and bz2 say so when the content is wrong
            raise DataError(f"the archive {shown(archive.name)} is damaged: {error}", where=where) from None
        raise WriteError(f"cannot unpack {shown(archive.name)}: {error}", where=where) from None


def _fill(archive: Path, folder: Path, limits: Limits) -> None:
    budget = _Budget(archive.stat().st_size, limits)
    with archive.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        entries = _zip_entries(file, budget) if magic.startswith(b"PK") else _tar_entries(file, magic, budget)
        for count, entry in enumerate(entries, start=1):
            if count > limits.entries:
                raise _Unsafe(f"it has more than {limits.entries} entries")
            _write(entry, folder)


def _publish(unfinished: Path, target: Path) -> None:
    if hasattr(os, "sync"):
        os.sync()  # a rename may reach the disk before the files do: a power cut would leave them empty
    try:
        unfinished.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _write(entry: _Entry, folder: Path) -> None:
    place = folder.joinpath(*_parts(entry))
    try:
        if entry.data is None:
            place.mkdir(parents=True, exist_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            shutil.copyfileobj(entry.data, file, _CHUNK_BYTES)
    except (FileExistsError, NotADirectoryError):
        raise _Unsafe(f"the entry {shown(entry.name)} comes twice") from None


def _parts(entry: _Entry) -> list[str]:
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
            raise _Unsafe(f"the entry {shown(entry.name)} {reason}")
    return parts


def _tar_entries(file: IO[bytes], magic: bytes, budget: _Budget) -> Iterator[_Entry]:
    openers: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zX": lzma.open}
    opener = next((opener for start, opener in openers.items() if magic.startswith(start)), None)
    stream = _Metered(opener(file) if opener else file, budget)
    stream.allowed = _MAX_HEADER_BYTES
    # A pipe ("r|") is never sought: a header cannot lead tarfile back in circles.
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, encoding="utf-8") as archive:  # type: ignore[call-overload]
        while (member := archive.next()) is not None:
            archive.members.clear()  # or it keeps every header of a million
            kind = _tar_refusal(member)
            data = archive.extractfile(member) if member.isfile() and not kind else None
            stream.allowed = None
            yield _Entry(member.name, data, kind)
            stream.allowed = _MAX_HEADER_BYTES


def _compressed(file: IO[bytes], name: str, budget: _Budget) -> Iterator[_Readable]:
    """Yield what holds the bytes of a compressed file, metered."""
    if name.endswith(".zip"):
        yield from (entry.data for entry in _zip_entries(file, budget) if entry.data is not None)
        return
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    if opener := openers.get(Path(name).suffix):
        yield _Metered(opener(file), budget)


def _tar_refusal(member: tarfile.TarInfo) -> str:
    if member.issparse():
        return "a sparse file"
    if member.isdir() or member.type in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}:
        return ""
    return _TAR_KINDS.get(member.type, "of an unknown type")


def _zip_entries(file: IO[bytes], budget: _Budget) -> Iterator[_Entry]:
    with zipfile.ZipFile(file) as archive:
        end = 0
        for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise _Unsafe(f"the entry {shown(info.filename)} overlaps another one")
            end = info.header_offset + _ZIP_HEADER_BYTES + info.compress_size
            yield _zip_entry(archive, info, budget)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> _Entry:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return _Entry(info.filename, refused="a symbolic link" if kind == stat.S_IFLNK else "a device or pipe")
    if info.flag_bits & 1:
        raise zipfile.BadZipFile("it is encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise zipfile.BadZipFile("only stored and deflated entries can be read")
    name = info.orig_filename  # `filename` ends at a NUL
    return _Entry(name, None if info.is_dir() else _Metered(archive.open(info), budget))
