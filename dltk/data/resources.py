"""What this process may use of the machine: cores, files, and memory, which its control groups may limit."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

MAX_FILES = 65_536
KEPT_BYTES = 2**30
"""What is freed stays with the process up to so much, and larger blocks are not kept at all."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt."""
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_MACHINE = Path("/proc/meminfo")


def cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return the memory this process may use in all; None where the system does not tell."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return None
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *(limit for limit in map(_limit, _groups()) if limit is not None)])


def available_bytes() -> int | None:
    """Return the memory this process may still take; None where the system does not tell.

    What the system holds of files and would give back counts as available.
    """
    left = [_left(group) for group in _groups()]
    known = [count for count in (_available(), *left) if count is not None]
    return min(known) if known else memory_bytes()


def _groups() -> list[Path]:
    """Return the folders of the control groups (version 2) this process is in, the innermost first."""
    own = ""
    if _OWN_GROUP.is_file():
        lines = _OWN_GROUP.read_text(encoding="utf-8", errors="replace").splitlines()
        own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "")
    innermost = _GROUPS / own.strip("/")
    return [group for group in (innermost, *innermost.parents) if group.is_relative_to(_GROUPS)]


def _left(group: Path) -> int | None:
    limit, used = _limit(group), _number(group / "memory.current")
    return None if limit is None or used is None else max(0, limit - used + (_reclaimable(group) or 0))


def _limit(group: Path) -> int | None:
    return _number(group / "memory.max")


def _reclaimable(group: Path) -> int | None:
    return _named(group / "memory.stat", "inactive_file")


def _available() -> int | None:
    kilobytes = _named(_MACHINE, "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _number(path: Path) -> int | None:
    """Return the number in a file; None where there is none, as "max" stands for no limit."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() else None


def _named(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    values = [line.split()[1] for line in lines if line.split()[:1] == [name]]
    return int(values[0]) if values and values[0].isdecimal() else None


def allow_more_files() -> None:
    """Let this process open as many files as its hard limit allows, up to what any run needs."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def keep_freed_memory() -> None:
    """Let glibc keep what this process frees for what it allocates next.

    A step allocates and frees the same blocks again and again. By itself glibc gives large ones back to the system, and
    gets them anew page by page: about a fifth of an LSTM's step. What the user's environment says of it stands; other
    C libraries have other ways.
    """
    if any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ):
        return
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(parameter, KEPT_BYTES)
