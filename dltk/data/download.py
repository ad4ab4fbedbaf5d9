"""Downloads: whole or not at all, resumed where they stopped, one process at a time, checked before they count."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dltk.config.errors import DataError, IntegrityError, MissingInput, Unavailable, WriteError, shown
from dltk.data import archives
from dltk.data.locking import waiting
from dltk.data.transfer import Broken, Refused, forget, num_bytes_in, say, transfer

OFFLINE = "DLTK_OFFLINE"
NUM_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
NUM_FILES_PER_URL = 2
_HEAD_BYTES = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HTML = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Remote:
    """A file of a data set that dltk may fetch.

    Attributes:
        name: Where it is kept below the cache, and looked for below every data root, such as "imdb/aclImdb_v1.tar.gz".
        urls: Where it is published, over https, the same content at each; tried in order.
        found_as: Other names it has below a data root, looked for before `name`: unpacked, in a folder of its own.
        num_bytes: Its length, where a source says so.
        md5: As its publisher states it; a comment names the source.
    """

    name: str
    urls: tuple[str, ...]
    found_as: tuple[str, ...] = ()
    num_bytes: int | None = None
    md5: str = ""


def is_offline() -> bool:
    """Tell whether $DLTK_OFFLINE forbids to open a socket; "" and "0" do not."""
    return os.environ.get(OFFLINE, "") not in {"", "0"}


def fetch(remote: Remote, target: Path) -> None:
    """Download a file, and write its SHA-256 beside it; go on where an earlier attempt stopped.

    Of several processes that want one file, one downloads and the others wait.

    Raises:
        MissingInput: dltk is offline.
        Unavailable: No address gives the file.
        IntegrityError: What came is not what its publisher states, or could harm.
        WriteError: The disk is full or failed.
    """
    if is_offline():
        raise MissingInput(f"{shown(target.name)} is not there, and dltk is offline", where=str(target))
    part = target.with_name(f"{target.name}.part")
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        while not target.exists():
            with _owned(part) as is_ours:
                if is_ours:
                    _fill(remote, part, target)


def pinned_digest(path: Path) -> str | None:
    """Return the SHA-256 that was written beside a file when it was downloaded; None for a user's own file.

    Raises:
        IntegrityError: What lies beside it is no digest.
    """
    pin = _pin(path)
    if not pin.is_file():
        return None
    digest = pin.read_text(encoding="utf-8", errors="replace").partition(" ")[0]
    if not _SHA256.fullmatch(digest):
        raise IntegrityError("this is no SHA-256", where=str(pin), do="remove it, and the file beside it")
    return digest


def quarantine(path: Path) -> Path:
    """Move a file that is not what was downloaded out of the way; return where it is now."""
    bad = path.with_name(f"{path.name}.bad")
    path.replace(bad)
    _pin(path).unlink(missing_ok=True)
    return bad


def _fill(remote: Remote, part: Path, target: Path) -> None:
    """Download under the lock, unless another process has done so; an unfinished file stays only if something came."""
    try:
        if not target.exists():
            _pull(remote, part)
            _publish(part, target)
    finally:
        if num_bytes_in(part) == 0:
            forget(part)
            part.unlink(missing_ok=True)


def _pull(remote: Remote, part: Path) -> None:
    """Fill `part` from the first address that gives the right file; each may send a wrong one once."""
    reasons: dict[str, str] = {}
    is_unsafe = False
    for url in remote.urls:
        for _ in range(NUM_FILES_PER_URL):
            try:
                _transfer_patiently(url, part, remote.num_bytes)
                return _refuse_wrong(part, remote)
            except Refused as error:
                reasons[url] = str(error)
                break
            except (DataError, IntegrityError) as error:
                reasons[url] = ": ".join([error.message, *(problem.message for problem in error.problems)])
                is_unsafe = is_unsafe or isinstance(error, IntegrityError)
    raise (IntegrityError if is_unsafe else Unavailable)(
        f"{shown(Path(remote.name).name)} cannot be downloaded",
        found="; ".join(f"{url}: {reason}" for url, reason in reasons.items()),
        do=f"try again later, or put the file there yourself: {part.with_suffix('')}",
    )


def _transfer_patiently(url: str, part: Path, num_bytes: int | None) -> None:
    """Try again after what passes, such as an overloaded server; an attempt that brought bytes does not count."""
    failures, furthest = 0, num_bytes_in(part)
    while True:
        try:
            return transfer(url, part, num_bytes)
        except Broken as error:
            failures = 1 if num_bytes_in(part) > furthest else failures + 1
            furthest = max(furthest, num_bytes_in(part))
            if failures == NUM_ATTEMPTS:
                raise Refused(f"{error}, {NUM_ATTEMPTS} times") from None
            pause = FIRST_PAUSE_SECONDS * 2 ** (failures - 1)
            say(f"{error}; trying again in {pause:g} s")
            time.sleep(pause)


def _refuse_wrong(part: Path, remote: Remote) -> None:
    """Look at everything that came before it counts; what is wrong is kept beside it, but never used."""
    try:
        _check_content(part, remote)
    except (DataError, IntegrityError):
        forget(part)
        shutil.copyfile(part, part.with_suffix(".bad"))
        os.truncate(part, 0)  # not moved: its lock keeps others waiting
        raise


def _check_content(part: Path, remote: Remote) -> None:
    with part.open("rb") as file:
        is_web_page = file.read(_HEAD_BYTES).lstrip().lower().startswith(_HTML)
        file.seek(0)
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if is_web_page:
        raise DataError("the answer is a web page, not the file")
    if remote.md5 and md5 != remote.md5:
        raise IntegrityError(f"the MD5 is {md5}, not {remote.md5} as published")
    archives.check(part, remote.name)


def _publish(part: Path, target: Path) -> None:
    """Give the file its name, then write the digest: a digest without its file would refuse the user's own."""
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    forget(part)
    part.rename(target)
    _pin(target).write_text(f"{digest}  {target.name}\n", encoding="utf-8")


def _pin(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


@contextlib.contextmanager
def _owned(part: Path) -> Iterator[bool]:
    """Lock the unfinished file, and say whether it still is the one of that name; a killed owner's lock is free."""
    with part.open("ab") as file:
        waiting(file, f"another process that downloads {part.stem}")
        yield part.exists() and os.path.samestat(part.stat(), os.fstat(file.fileno()))


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(f"cannot write {shown(target.name)}: {error.strerror}", where=str(target)) from None
