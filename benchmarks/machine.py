"""Facts of the machine and the code, for the head of a file of measurements."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.material import REPOSITORY
from benchmarks.workloads import WORKLOADS

SAME_FILE = ("cpu", "cores", "memory_gb", "python", "torch", "commit")
"""Facts that all rows of a file have in common."""
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")


def facts(command: str) -> dict[str, str]:
    """Return what a reader needs to judge and repeat the measurements."""
    return {
        "command": command,
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory_gb": str(round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "torchvision", "numpy", "scikit-learn")},
        "commit": commit(),
        "experiments": json.dumps({key: workload.experiment({}) for key, workload in WORKLOADS.items()}),
    }


def commit() -> str:
    """Return the commit of the code, and whether it was changed since."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "dltk", "benchmarks/*.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-changed" if changed else head


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpu() -> str:
    """Return the processor's name and those of its abilities that decide which kernels run."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return platform.processor() or platform.machine()
    found = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
    lines = {name.strip(): value.strip() for name, value in found.items()}
    has = lines.get("flags", lines.get("Features", "")).split()
    return " ".join([lines.get("model name", platform.machine()), *(flag for flag in FLAGS if flag in has)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
