"""What archives hold, read entry by entry from headers that may lie, while the bytes that come out are counted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Self

CHUNK_BYTES = 1 << 20
_MAX_HEADER_BYTES = 1 << 20  # of one tar entry, long names and extended attributes included
_ZIP_HEADER_BYTES = 30
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


class Unsafe(Exception):
    """Why an archive must not be unpacked, and for which of its entries."""

    def __init__(self, message: str, entry: str = "") -> None:
        super().__init__(message)
        self.entry = entry


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Entry:
    """A file or folder of an archive; `data` is None for a folder, `refused` says what else it is."""

    name: str
    data: Readable | None = None
    refused: str = ""


class Budget:
    """Counts bytes as they are unpacked, whatever headers claim."""

    def __init__(self, archive_bytes: int, limits: Limits) -> None:
        most = min(limits.total_bytes, max(limits.ratio_from_bytes, limits.ratio * archive_bytes))
        self._archive_bytes, self._left = archive_bytes, most

    def spend(self, num_bytes: int) -> None:
        """Take note of bytes unpacked."""
        self._left -= num_bytes
        if self._left < 0:
            raise Unsafe(f"it unpacks to far more than its {self._archive_bytes} bytes can honestly hold")


class Metered:
    """A stream whose bytes are counted; `allowed` more may be read before it is a bomb."""

    def __init__(self, stream: Readable, budget: Budget) -> None:
        self._stream, self._budget = stream, budget
        self.allowed: int | None = None

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        """Read up to `size` bytes."""
        data = self._stream.read(size)
        self._budget.spend(len(data))
        if self.allowed is not None:
            self.allowed -= len(data)
            if self.allowed < 0:
                raise Unsafe("an entry has a header of more than a megabyte")
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


def entries_of(file: IO[bytes], budget: Budget) -> Iterator[Entry]:
    """Yield the entries of an archive whose kind its first bytes tell, in the order in which they can be read."""
    magic = file.read(4)
    file.seek(0)
    return _zip_entries(file, budget) if magic.startswith(b"PK") else _tar_entries(file, magic, budget)


def compressed(file: IO[bytes], name: str, budget: Budget) -> Iterator[Readable]:
    """Yield what holds the bytes of a compressed file, metered."""
    if name.endswith(".zip"):
        yield from (entry.data for entry in _zip_entries(file, budget) if entry.data is not None)
        return
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    if opener := openers.get(Path(name).suffix):
        yield Metered(opener(file), budget)


def _tar_entries(file: IO[bytes], magic: bytes, budget: Budget) -> Iterator[Entry]:
    openers: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zX": lzma.open}
    opener = next((opener for start, opener in openers.items() if magic.startswith(start)), None)
    stream = Metered(opener(file) if opener else file, budget)
    stream.allowed = _MAX_HEADER_BYTES
    # A pipe ("r|") is never sought: a header cannot lead tarfile back in circles.
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, encoding="utf-8") as archive:  # type: ignore[call-overload]
        while (member := archive.next()) is not None:
            archive.members.clear()  # or it keeps every header of a million
            kind = _tar_refusal(member)
            data = archive.extractfile(member) if member.isfile() and not kind else None
            stream.allowed = None
            yield Entry(member.name, data, kind)
            stream.allowed = _MAX_HEADER_BYTES


def _tar_refusal(member: tarfile.TarInfo) -> str:
    if member.issparse():
        return "a sparse file"
    if member.isdir() or member.type in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}:
        return ""
    return _TAR_KINDS.get(member.type, "of an unknown type")


def _zip_entries(file: IO[bytes], budget: Budget) -> Iterator[Entry]:
    with zipfile.ZipFile(file) as archive:
        end = 0
        for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise Unsafe("the entry overlaps another one", info.filename)
            end = info.header_offset + _ZIP_HEADER_BYTES + info.compress_size
            yield _zip_entry(archive, info, budget)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Entry:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return Entry(info.filename, refused="a symbolic link" if kind == stat.S_IFLNK else "a device or pipe")
    if info.flag_bits & 1:
        raise zipfile.BadZipFile("it is encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise zipfile.BadZipFile("only stored and deflated entries can be read")
    name = info.orig_filename  # `filename` ends at a NUL
    return Entry(name, None if info.is_dir() else Metered(archive.open(info), budget))
