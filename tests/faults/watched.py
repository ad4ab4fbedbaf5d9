"""Runs commands in one process under an audit hook, and says of each what it gave and what it must not have done.

Usage: watched.py ALLOWED_FOLDER... < commands.json > answers.json; a command is {"folder": ..., "arguments": [...]}.
The first commands, called harmless, come before the hook: they load what libraries look for on a machine.
"""

import contextlib
import io
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "socket.connect", "socket.bind")
CONFINED = [sys.executable, "-P", "-m", "dltk.nn.confined"]
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
allowed = tuple(os.path.realpath(folder) for folder in [*sys.argv[1:], "/dev/null", "/dev/shm"])
seen: list[str] = []


def peak_bytes() -> int:
    """Return the most memory that this program held; getrusage also counts what its parent held when it forked."""
    try:
        told = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in told if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def is_allowed(path: object) -> bool:
    if isinstance(path, int):
        return True
    place = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
    return place.startswith(allowed) or "__pycache__" in place


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and list(arguments[1]) == CONFINED:
        return  # dltk's own reader of foreign weights, which may do less than this process
    if event.startswith(FORBIDDEN):
        seen.append(f"{event} {arguments!r}"[:300])
    elif event == "open":
        path, mode, flags = arguments
        writes = flags & WRITES if mode is None else bool(set(str(mode)) & set("wax+"))
        if writes and not is_allowed(path):
            seen.append(f"{event} {arguments!r}"[:300])
    elif event.startswith(CHANGES):
        paths = [one for one in arguments if isinstance(one, (str, bytes, os.PathLike))]
        relative = [one for one in arguments if isinstance(one, int) and one >= 0] and event != "os.truncate"
        if not relative and not all(is_allowed(path) for path in paths):
            seen.append(f"{event} {arguments!r}"[:300])


def main() -> None:
    from dltk.cli.app import run
    from dltk.config import registry

    asked = json.load(sys.stdin)
    for command in asked["harmless"]:
        os.chdir(command["folder"])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert run(command["arguments"]) == 0
    sys.addaudithook(watch)
    answers = []
    for command in asked["commands"]:
        os.chdir(command["folder"])
        registry._plugins.clear()
        seen.clear()
        out, err = io.StringIO(), io.StringIO()
        begun = time.monotonic()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(command["arguments"])
        took = time.monotonic() - begun
        answers.append({"code": code, "seconds": took, "seen": list(seen), "err": err.getvalue()[-2000:]})
    peak = peak_bytes()
    sys.stdout.write(json.dumps({"answers": answers, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
