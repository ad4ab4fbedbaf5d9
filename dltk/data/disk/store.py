"""The store: what does not fit in memory, in dltk's cache; each entry is written once, whole or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import torch
from torch import Tensor

from dltk.config.errors import WriteError
from dltk.data.disk.rows import DiskRows, RowFile
from dltk.data.files import cache_directory
from dltk.data.locking import waiting
from dltk.data.transfer import say, spelled

MAX_SHARE_OF_DISK = 0.5
"""All entries together may take this part of the space that would be free without them."""
_FORMAT = 2
_VALUES, _FACTS, _STAGED, _LOCK = "values.bin", "facts.json", ".tmp-", ".lock"
Write = Callable[[bytes | memoryview], object]
"""Adds bytes to the end of an entry."""
Opened = TypeVar("Opened")


class Wanted(Protocol):
    """An entry: what it is called by, what messages call it, and how much room it takes."""

    @property
    def key(self) -> str:
        """The entry's name: other contents have another."""

    @property
    def what(self) -> str:
        """What the user reads of it."""

    @property
    def num_bytes(self) -> int:
        """About how much room it takes."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Plain values that decide every byte of it."""


@dataclass(frozen=True)
class WantedRows:
    """An entry that is one tensor, row by row.

    Attributes:
        facts: Plain values that decide every byte of it: the options, and each source with its size and times.
        dtype: Of the tensor.
        shape: Of the tensor.
        what: What the user reads of it.
    """

    facts: Mapping[str, Any]
    dtype: torch.dtype
    shape: tuple[int, ...]
    what: str = "decoded samples"

    @property
    def num_bytes(self) -> int:
        """How much room it takes."""
        return torch.empty(self.shape, dtype=self.dtype, device="meta").nbytes

    @property
    def key(self) -> str:
        """The entry's name."""
        return _key([_FORMAT, self.facts, str(self.dtype), self.shape])


@dataclass(frozen=True)
class WantedBytes:
    """An entry of any bytes, of which only writing tells how many.

    Attributes:
        facts: Plain values that decide every byte of it.
        num_bytes: About how many there will be.
        what: What the user reads of it.
    """

    facts: Mapping[str, Any]
    num_bytes: int
    what: str

    @property
    def key(self) -> str:
        """The entry's name."""
        return _key([_FORMAT, self.facts])


def store_directory() -> Path:
    """Return where entries lie: below the cache, which $DLTK_CACHE names."""
    return cache_directory() / "decoded"


def stored(wanted: WantedRows, rows: Callable[[], Iterator[Tensor]]) -> DiskRows:
    """Return the rows of an entry; see `stored_bytes`.

    Args:
        wanted: Which entry.
        rows: Yields the tensor's rows in order, some at a time.

    Raises:
        WriteError: There is no room for it, or the disk failed.
    """

    def make(write: Write) -> Mapping[str, Any]:
        for some in rows():
            write(some.contiguous().view(-1).view(torch.uint8).numpy().data)
        return {"dtype": str(wanted.dtype), "shape": wanted.shape}

    return DiskRows.whole(_opened(wanted, make, lambda path, _: RowFile(path, wanted.dtype, wanted.shape)))


def stored_bytes(wanted: WantedBytes, make: Callable[[Write], Mapping[str, Any]]) -> tuple[RowFile, Mapping[str, Any]]:
    """Return an entry's bytes and facts, which are made first where they are not there, or not as they were written.

    Of several processes that want one entry, one makes it and the others wait.

    Args:
        wanted: Which entry.
        make: Writes the bytes one after another, and returns plain values to be known of them.

    Raises:
        WriteError: There is no room for it, or the disk failed.
    """

    def opened(path: Path, facts: Mapping[str, Any]) -> tuple[RowFile, Mapping[str, Any]]:
        return RowFile(path, torch.uint8, (path.stat().st_size,)), facts

    return _opened(wanted, make, opened)


def _opened(
    wanted: Wanted, make: Callable[[Write], Mapping[str, Any]], opened: Callable[[Path, Mapping[str, Any]], Opened]
) -> Opened:
    folder = store_directory()
    entry = folder / wanted.key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{wanted.key}{_LOCK}").open("ab") as lock:
            waiting(lock, f"another process that makes the same {wanted.what}")
            facts = _intact(entry, wanted)
            if facts is None:
                _make_room(folder, wanted)
                facts = _write(entry, wanted, make)
            os.utime(entry)  # least recently used entries go first
            return opened(entry / _VALUES, facts)
    except OSError as error:
        raise WriteError(f"cannot keep {wanted.what}: {error.strerror}", where=str(entry)) from None


def entries() -> list[Path]:
    """Return all entries, the least recently used first."""
    folder = store_directory()
    found = [path for path in folder.iterdir() if (path / _FACTS).is_file()] if folder.is_dir() else []
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def size_of(entry: Path) -> int:
    """Return the bytes of an entry."""
    return sum(file.stat().st_size for file in entry.iterdir())


def remove(entry: Path) -> None:
    """Take an entry away; a run that reads it goes on, for the system keeps a deleted file that is open."""
    shutil.rmtree(entry, ignore_errors=True)


def sources_of(paths: Sequence[str]) -> str:
    """Return what stands for the state of files: the SHA-256 of each one's path, size and times of change.

    A file that was changed in place has another time, and one that another took the place of has, too.

    Raises:
        OSError: One is not there.
    """
    state = hashlib.sha256()
    for path in paths:
        facts = os.stat(path)  # noqa: PTH116 - of many files, and a Path costs more than the question
        state.update(os.fsencode(path) + f"\0{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}\0".encode())
    return state.hexdigest()


def _intact(entry: Path, wanted: Wanted) -> Mapping[str, Any] | None:
    """Return the facts of an entry of which every byte is as it was written; what is damaged is removed."""
    if not entry.exists():
        return None
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        facts: Mapping[str, Any] = json.loads((entry / _FACTS).read_text(encoding="utf-8"))
        with (entry / _VALUES).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == facts["sha256"]:
                return facts
    say(f"warning[DLTK-WARN-SAMPLES]: {wanted.what} are damaged, and are made again: {entry}")
    remove(entry)
    return None


def _make_room(folder: Path, wanted: Wanted) -> None:
    """Remove unfinished entries, and finished ones until the new one fits the bound.

    Raises:
        WriteError: It does not fit even so.
    """
    for leftover in folder.glob(f"{_STAGED}*"):
        _remove_unused(folder, leftover.name.removeprefix(_STAGED), leftover)
    known = entries()
    sizes = [size_of(entry) for entry in known]
    bound = int(MAX_SHARE_OF_DISK * (shutil.disk_usage(folder).free + sum(sizes)))
    if wanted.num_bytes > bound:
        raise WriteError(
            f"there is no room for the {wanted.what}",
            where=str(folder),
            found=f"{spelled(bound)}, half of what is free",
            expected=spelled(wanted.num_bytes),
            do="make room, let $DLTK_CACHE name a folder on another disk, or choose smaller samples",
        )
    total = sum(sizes) + wanted.num_bytes
    for entry, size in zip(known, sizes, strict=True):
        if total <= bound:
            break
        if _remove_unused(folder, entry.name, entry):
            say(f"removed decoded samples that were not used for long: {entry}")
            total -= size


def _remove_unused(folder: Path, key: str, path: Path) -> bool:
    """Remove what belongs to an entry, unless a process writes or opens it just now; return whether it is gone."""
    with (folder / f"{key}{_LOCK}").open("ab") as lock:
        is_ours = waiting(lock)
        if is_ours:
            remove(path)
        return is_ours


def _write(entry: Path, wanted: Wanted, make: Callable[[Write], Mapping[str, Any]]) -> Mapping[str, Any]:
    staged = entry.with_name(f"{_STAGED}{entry.name}")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    try:
        say(f"writing {spelled(wanted.num_bytes)} of {wanted.what} once, into {entry}")
        with (staged / _VALUES).open("wb") as file:
            digest, about = _write_values(file, make)
        facts = {"format": _FORMAT, **about, "sha256": digest, "of": wanted.facts}
        with (staged / _FACTS).open("w", encoding="utf-8") as notes:
            json.dump(facts, notes)
            notes.flush()
            os.fsync(notes.fileno())
        staged.rename(entry)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return facts


def _write_values(file: IO[bytes], make: Callable[[Write], Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    state = hashlib.sha256()

    def write(content: bytes | memoryview) -> None:
        state.update(content)
        file.write(content)

    about = make(write)
    file.flush()
    os.fsync(file.fileno())
    return state.hexdigest(), about


def _key(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]
