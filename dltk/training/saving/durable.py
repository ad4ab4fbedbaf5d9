"""Files that are complete or not there at all: atomic writes, and directories under a manifest of SHA-256 digests."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

from dltk.config.errors import IntegrityError, ResumeRefused
from dltk.config.strict_json import finite
from dltk.training.saving.contents import Content, pieces_of, size_of
from dltk.training.saving.disk import free_bytes, sync_directory, write_error

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 10 * 2**20
NUM_TRIES = 2
_STAGED, REPLACED, _REMOVED = ".tmp-", ".old-", ".trash-"
_OUT_OF_REACH = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT}
_MANIFEST_KEYS = {"format", "files", "facts", "digest"}


def write_files(target: Path, contents: Mapping[str, Content], facts: Mapping[str, Any]) -> None:
    """Write files as a directory that is either complete and verified, or not there at all.

    A target that exists is replaced only once the new directory is verified. A write that fails is tried once more, in
    new files. Facts are plain JSON values.

    Raises:
        WriteError: The disk is full or failed; the target is as it was before.
    """
    for number in range(NUM_TRIES):
        staged = target.with_name(f"{_STAGED}{target.name}-{os.getpid()}-{number}")
        try:
            _write_staged(staged, contents, facts)
            _publish(staged, target)
        except (OSError, IntegrityError) as error:
            if number == NUM_TRIES - 1:
                needed = sum(map(size_of, contents.values()))
                raise write_error(error, target, f"{needed:,} bytes needed, {free_bytes(target):,} free") from error
        else:
            return
        finally:
            _delete(staged)


def read_facts(directory: Path, *, verify_files: bool = False) -> dict[str, Any]:
    """Return a directory's facts after checking its manifest, and with `verify_files` every byte beside it.

    Raises:
        IntegrityError: Something is missing, extra or not what was written.
        ResumeRefused: Another version of dltk wrote it.
        OSError: This process may not read it, or has no descriptor or memory left.
    """
    with distrusting(directory):
        manifest = _read_manifest(directory)
        for name in manifest["files"] if verify_files else ():
            _verify(directory, manifest, name)
        facts: dict[str, Any] = manifest["facts"]
        return facts


def read_files(directory: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Return the contents of those of these files that are part of a directory; every byte is checked.

    Raises:
        IntegrityError: Something is missing or not what was written.
        ResumeRefused: Another version of dltk wrote it.
    """
    with distrusting(directory):
        manifest = _read_manifest(directory)
        return {name: _read_verified(directory, manifest, name) for name in names if name in manifest["files"]}


def digest_of(directory: Path) -> str:
    """Return the digest that stands for everything in a directory.

    Raises:
        IntegrityError: The manifest is not what was written.
        ResumeRefused: Another version of dltk wrote it.
    """
    with distrusting(directory):
        digest: str = _read_manifest(directory)["digest"]
        return digest


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file atomically; numbers that are not finite become null.

    Raises:
        WriteError: The disk is full or failed; an older file is as it was.
    """
    write_text(path, json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8; what UTF-8 cannot spell is escaped.

    Raises:
        WriteError: The disk is full or failed; an older file is as it was.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file atomically; where its name is a link, the link is replaced and what it leads to stays.

    Raises:
        WriteError: The disk is full or failed; an older file is as it was.
    """
    staged = path.with_name(f"{_STAGED}{path.name}-{os.getpid()}")
    try:
        _delete(staged)
        _write_synced(staged, content)
        staged.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise write_error(error, path, f"{free_bytes(path):,} bytes free") from error
    finally:
        _delete(staged)


def remove_directory(path: Path) -> None:
    """Take a directory away at once; what the disk does not let go now is for `clear_leftovers`."""
    removed = path.with_name(f"{_REMOVED}{path.name}-{os.getpid()}")
    with contextlib.suppress(OSError):
        path.rename(removed)
        _delete(removed)


def clear_leftovers(parent: Path) -> None:
    """Finish or undo what an earlier process left half-done in a directory; only its owner may call this."""
    for replaced in parent.glob(f"{REPLACED}*"):
        target = replaced.with_name(replaced.name.removeprefix(REPLACED))
        if not target.exists():  # it died after the old one was moved away, before the new one was there
            replaced.rename(target)
    for path in leftovers_in(parent):
        _delete(path)


def leftovers_in(parent: Path) -> list[Path]:
    """Return what is half-done in a directory: on its way in or out, or left by a process that was killed."""
    return sorted(path for prefix in (_STAGED, REPLACED, _REMOVED) for path in parent.glob(f"{prefix}*"))


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value; raise ValueError for a number that is not finite."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def loads(content: bytes) -> Any:
    """Parse strict JSON, as `canonical` writes it; raise ValueError where it is none."""
    return json.loads(content, parse_constant=_refuse_constant)


@contextlib.contextmanager
def distrusting(directory: Path) -> Iterator[None]:
    """Turn whatever goes wrong with files that may hold anything into an IntegrityError."""
    try:
        yield
    except OSError as error:
        if not is_damage(error):
            raise
        raise _damaged(directory, Path(error.filename or MANIFEST).name, error.strerror or "unreadable") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(directory, "content", f"not what dltk writes: {type(error).__name__}") from None


def is_damage(error: OSError) -> bool:
    """Return whether a file that cannot be read is damaged, and not merely out of reach for this process."""
    return error.errno not in _OUT_OF_REACH


def of_another_version(directory: Path, found: str) -> ResumeRefused:
    """Return the refusal of what is intact, as its digest says, and was not written by this version of dltk."""
    return ResumeRefused(
        f"{directory.name} needs another version of dltk, a newer one most likely",
        where=str(directory),
        found=found,
        expected=f"format {FORMAT}, which this version reads",
        do="update dltk; the run's environment.json says which version began it",
    )


def _manifest(files: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> bytes:
    body = {"format": FORMAT, "files": files, "facts": facts}
    return canonical({**body, "digest": _digest(body)})


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _write_staged(staged: Path, contents: Mapping[str, Content], facts: Mapping[str, Any]) -> None:
    _delete(staged)
    staged.mkdir(parents=True)
    files = {name: _write_synced(staged / name, content) for name, content in contents.items()}
    _write_synced(staged / MANIFEST, _manifest(files, facts))
    sync_directory(staged)
    read_facts(staged, verify_files=True)


def _publish(staged: Path, target: Path) -> None:
    """Put a directory in its place; where that fails, what was there before is there again."""
    replaced = target.with_name(f"{REPLACED}{target.name}")
    is_replaced = target.exists()
    if is_replaced:
        _delete(replaced)
        target.rename(replaced)
    try:
        staged.rename(target)
        sync_directory(target.parent)
    except OSError:
        if target.exists():
            target.rename(staged)
        if is_replaced:
            replaced.rename(target)
        raise
    _delete(replaced)


def _write_synced(path: Path, content: Content | Iterable[bytes]) -> dict[str, Any]:
    """Write a new file through to the disk; return its size and digest, which are those of what was given."""
    size, digest = 0, hashlib.sha256()
    with path.open("xb") as file:  # x: never through a link that waits under this name
        for piece in pieces_of(content):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return {"size": size, "sha256": digest.hexdigest()}


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise _damaged(directory, MANIFEST, "too long")
    content = path.read_bytes()
    manifest: dict[str, Any] = loads(content)
    body = {key: value for key, value in manifest.items() if key != "digest"}
    if manifest["digest"] != _digest(body) or content != canonical(manifest):
        raise _damaged(directory, MANIFEST, "its digest does not match")
    if manifest["format"] != FORMAT or set(manifest) != _MANIFEST_KEYS:
        unknown = ", ".join(sorted(set(manifest) - _MANIFEST_KEYS))
        raise of_another_version(directory, f"format {manifest['format']}{unknown and f' with {unknown}'}")
    differing = {path.name for path in directory.iterdir()} ^ {MANIFEST, *manifest["files"]}
    if differing:
        raise _damaged(directory, ", ".join(sorted(differing)), "missing from, or not part of, what was written")
    return manifest


def _read_verified(directory: Path, manifest: Mapping[str, Any], name: str) -> bytes:
    with _opened(directory, manifest, name) as file:
        content = file.read()
    _refuse_other(directory, manifest, name, hashlib.sha256(content).hexdigest())
    return content


def _verify(directory: Path, manifest: Mapping[str, Any], name: str) -> None:
    """Check every byte of a file, of which only a part is in memory at a time."""
    with _opened(directory, manifest, name) as file:
        _refuse_other(directory, manifest, name, hashlib.file_digest(file, "sha256").hexdigest())


def _opened(directory: Path, manifest: Mapping[str, Any], name: str) -> BufferedReader:
    path = directory / name
    if path.stat().st_size != manifest["files"][name]["size"]:
        raise _damaged(directory, name, "not as long as it was")
    return path.open("rb")


def _refuse_other(directory: Path, manifest: Mapping[str, Any], name: str, digest: str) -> None:
    if digest != manifest["files"][name]["sha256"]:
        raise _damaged(directory, name, "its digest does not match")


def _damaged(directory: Path, name: str, why: str) -> IntegrityError:
    return IntegrityError(f"{directory.name} is damaged ({name}: {why})", where=str(directory))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _delete(path: Path) -> None:
    """Delete a file or directory as far as the disk lets it go."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
