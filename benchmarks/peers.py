"""The libraries that dltk is compared with, each in an environment of its own beside the packages that dltk uses."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from benchmarks.contestants.names import Contestant
from benchmarks.material import cache


class NotInstalled(Exception):
    """A library could not be installed; says why."""


def python_for(contestant: Contestant) -> str:
    """Return the interpreter that has a contestant's packages; install them where they are not there.

    Raises:
        NotInstalled: pip could not.
    """
    if not contestant.packages:
        return sys.executable
    folder = cache() / "peers" / "-".join(contestant.packages)
    python = folder / "bin" / "python"
    installed = folder / "installed"
    if not installed.is_file():
        _install(folder, contestant.packages)
        installed.touch()
    return str(python)


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    """Make an environment that sees the packages of this one, torch above all, and add what is missing."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True)
    own = next((folder / "lib").glob("python3*/site-packages"))
    shared = [path for path in sys.path if path.endswith("site-packages")] or [sysconfig.get_path("purelib")]
    (own / "shared.pth").write_text("".join(f"{path}\n" for path in shared), encoding="utf-8")
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(f"pip could not install {' '.join(packages)}: {done.stderr.strip()[-500:]}")
