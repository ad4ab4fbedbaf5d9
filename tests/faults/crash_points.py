"""Kills a process before each call of the operating system while it writes a directory, and says what was left.

Usage: crash_points.py FOLDER new|replacing. One line per kill: the call's number, its name, what was found after.
Needs no torch: forks are cheap.
"""

import builtins
import io
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from dltk.config.errors import IntegrityError
from dltk.training.saving.durable import clear_leftovers, read_facts, read_files, write_files

OLD, NEW = {"a.bin": b"old", "b.bin": b"1"}, {"a.bin": b"newer", "c.bin": bytes(100)}
CALLS = ("fsync", "rename", "replace", "mkdir", "open", "close", "unlink", "rmdir")


class Doom:
    """Dies before the N-th call; a write dies in the middle."""

    def __init__(self, number: int, tell: int) -> None:
        self.left, self.tell = number, tell
        for name in CALLS:
            setattr(os, name, self.mortal(name, getattr(os, name)))
        io.open = builtins.open = self.mortal_open(io.open)

    def step(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.die(name)

    def die(self, name: str) -> None:
        os.write(self.tell, name.encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def mortal(self, name, call):
        def attempt(*args, **kwargs):
            self.step(name)
            return call(*args, **kwargs)

        return attempt

    def mortal_open(self, call):
        def attempt(file, mode="r", *args, **kwargs):
            opened = call(file, mode, *args, **kwargs)
            if "w" in mode:
                self.left -= 1
                if self.left == 0:
                    opened.write(b"to")
                    opened.flush()
                    self.die("write")
            return opened

        return attempt


def dies(number: int, act: Callable[[], None]) -> str | None:
    """Run something in a fork that dies before its N-th call; return the call's name, or None where it survived."""
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        Doom(number, tell)
        act()
        os._exit(0)
    os.close(tell)
    name = os.read(hear, 20).decode()
    os.close(hear)
    _, status = os.waitpid(child, 0)
    assert bool(name) == (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL), (name, status)
    return name or None


def found_in(folder: Path) -> str:
    """Return what a resumed run would find."""
    left = [path.name for path in folder.iterdir() if path.name != "target"]
    assert not left, f"leftovers: {left}"
    if not (folder / "target").exists():
        return "nothing"
    read_facts(folder / "target", verify_files=True)
    content = read_files(folder / "target", ["a.bin"])["a.bin"]
    return "old" if content == OLD["a.bin"] else "new"


def begin(folder: Path, kind: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if kind == "replacing":
        write_files(folder / "target", OLD, {})


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def main(folder: Path, kind: str) -> None:
    for number in itertools.count(1):
        begin(folder, kind)
        name = dies(number, lambda: write_files(folder / "target", NEW, {}))
        if name is None:
            break
        torn = Path(f"{folder}-torn")
        shutil.rmtree(torn, ignore_errors=True)
        shutil.copytree(folder, torn)
        clear_leftovers(folder)
        say(number, name, found_in(folder))
        for second in itertools.count(1):  # and it is killed again while it recovers
            shutil.rmtree(folder)
            shutil.copytree(torn, folder)
            again = dies(second, lambda: clear_leftovers(folder))
            clear_leftovers(folder)
            say(f"{number}.{second}", again or "none", found_in(folder))
            if again is None:
                break


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) / "runs", sys.argv[2])
    except (IntegrityError, AssertionError) as error:
        say(error)
        raise SystemExit(1) from error
