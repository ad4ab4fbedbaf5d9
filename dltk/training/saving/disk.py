"""What a disk has room for, and what is said where it fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dltk.config.errors import WriteError


def free_bytes(path: Path) -> int:
    """Return how many bytes may still be written beside a path; 0 where the disk does not say."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 0


def write_error(error: Exception, path: Path, found: str) -> WriteError:
    """Return what to say of a path that could not be written."""
    reason = getattr(error, "strerror", None) or error
    return WriteError(
        f"cannot write {path.name}: {reason}", where=str(path), found=found, do="free some space, then resume"
    )


def sync_directory(path: Path) -> None:
    """Bring a directory's list of names to the disk, which a file's own fsync does not promise."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_small(path: Path, needed: int) -> None:
    """Refuse to begin what would fill the disk.

    Raises:
        WriteError: Fewer bytes than needed are free beside a path.
    """
    free = free_bytes(path)
    if 0 < free < needed:
        raise WriteError(
            "the disk is too small for two checkpoints",
            where=str(path),
            found=f"{needed:,} bytes needed, {free:,} free",
            do="free some space, then resume",
        )
