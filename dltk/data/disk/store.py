"""The store: decoded samples in dltk's cache, each entry written once, whole or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from dltk.config.errors import WriteError
from dltk.data.disk.rows import DiskRows, RowFile
from dltk.data.files import cache_directory
from dltk.data.locking import waiting
from dltk.data.transfer import say, spelled

MAX_SHARE_OF_DISK = 0.5
"""All entries together may take this part of the space that would be free without them."""
_FORMAT = 1
_VALUES, _FACTS, _STAGED, _LOCK = "values.bin", "facts.json", ".tmp-", ".lock"


@dataclass(frozen=True)
class Wanted:
    """An entry: what it is called by, and the tensor that belongs there, row by row.

    Attributes:
        facts: Plain values that decide every byte of it: the options, and each source with its size and times.
        dtype: Of the tensor.
        shape: Of the tensor.
    """

    facts: Mapping[str, Any]
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """How much room it takes."""
        return torch.empty(self.shape, dtype=self.dtype, device="meta").nbytes

    @property
    def key(self) -> str:
        """The entry's name."""
        plain = [_FORMAT, self.facts, str(self.dtype), self.shape]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]


def store_directory() -> Path:
    """Return where entries lie: below the cache, which $DLTK_CACHE names."""
    return cache_directory() / "decoded"


def stored(wanted: Wanted, rows: Callable[[], Iterator[Tensor]]) -> DiskRows:
    """Return an entry, which is made first where it is not there, or not as it was written.

    Of several processes that want one entry, one makes it and the others wait.

    Args:
        wanted: Which entry.
        rows: Yields the tensor's rows in order, some at a time.

    Raises:
        WriteError: There is no room for it, or the disk failed.
    """
    folder = store_directory()
    entry = folder / wanted.key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{wanted.key}{_LOCK}").open("ab") as lock:
            waiting(lock, "another process that decodes the same samples")
            if not _is_intact(entry):
                _make_room(folder, wanted)
                _write(entry, wanted, rows)
            os.utime(entry)  # least recently used entries go first
            return DiskRows.whole(RowFile(entry / _VALUES, wanted.dtype, wanted.shape))
    except OSError as error:
        raise WriteError(f"cannot keep decoded samples: {error.strerror}", where=str(entry)) from None


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


def _is_intact(entry: Path) -> bool:
    """Tell whether every byte is there as it was written; what is damaged is removed."""
    if not entry.exists():
        return False
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        digest = json.loads((entry / _FACTS).read_text(encoding="utf-8"))["sha256"]
        with (entry / _VALUES).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == digest:
                return True
    say(f"warning[DLTK-WARN-SAMPLES]: decoded samples are damaged, and are decoded again: {entry}")
    remove(entry)
    return False


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
            "there is no room for the decoded samples",
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


def _write(entry: Path, wanted: Wanted, rows: Callable[[], Iterator[Tensor]]) -> None:
    staged = entry.with_name(f"{_STAGED}{entry.name}")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    try:
        say(f"decoding {spelled(wanted.num_bytes)} of samples once, into {entry}")
        with (staged / _VALUES).open("wb") as file:
            digest = _write_rows(file, rows())
        facts = {"format": _FORMAT, "dtype": str(wanted.dtype), "shape": wanted.shape, "sha256": digest}
        with (staged / _FACTS).open("w", encoding="utf-8") as notes:
            json.dump({**facts, "of": wanted.facts}, notes)
            notes.flush()
            os.fsync(notes.fileno())
        staged.rename(entry)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_rows(file: IO[bytes], rows: Iterator[Tensor]) -> str:
    state = hashlib.sha256()
    for some in rows:
        content = some.contiguous().view(-1).view(torch.uint8).numpy().data
        state.update(content)
        file.write(content)
    file.flush()
    os.fsync(file.fileno())
    return state.hexdigest()
