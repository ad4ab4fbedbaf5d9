"""The system itself fails, or ends the process, at any of its calls while a run saves: strace sees to it."""

from __future__ import annotations

import errno
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import pytest

from dltk.config.errors import DltkError
from dltk.training.runs.rundir import RunDir
from tests.children import Child
from tests.faults.lives import folder_in_memory, tell
from tests.faults.saving import RUN, begun, found_in, save, save_again
from tests.faults.system import System

CALLS = {
    "openat": ("EMFILE", "EIO"),
    "write": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC"),
    "close": ("EIO",),
    "mkdir": ("ENOSPC", "EIO"),
    "rename": ("ENOSPC", "EIO"),
    "unlink": ("EIO",),
    "unlinkat": ("EIO",),
    "rmdir": ("EIO",),
}
"""What is done to a run's files, as Linux calls it, and what may be wrong with each."""
BY_ITSELF = {-errno.EMFILE, -errno.EIO, -errno.ENOSPC}
"""An error of the system that is raised as it is, and of which a command makes 71, 73 or 74."""
NAMES = {"openat": "open", "unlinkat": "unlink"}
"""What Python calls some of them."""
LINE = re.compile(r"^\d*\s*(\w+)\((.*)\)\s+= (.*)$")


@pytest.fixture(autouse=True, scope="module")
def may_trace() -> None:
    """Skip where strace is not here, or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        tracer = attached(sleeper.pid, Path("/dev/null"), ["-e", "trace=fsync"])
        sleeper.kill()
    if tracer is None:
        pytest.skip("strace may not trace here")
    tracer.wait()


def attached(process: int, log: Path, options: list[str]) -> subprocess.Popen[bytes] | None:
    """Let strace take hold of a process; return None where it may not."""
    tracer = subprocess.Popen(
        ["strace", "-qq", "-y", "-s", "0", "-o", str(log), *options, "-p", str(process)], stderr=subprocess.DEVNULL
    )
    while tracer.poll() is None:
        if not re.search(r"TracerPid:\s+0\n", Path(f"/proc/{process}/status").read_text()):
            return tracer
        time.sleep(0.002)
    return None


@dataclass(frozen=True)
class Saved:
    """How a save under strace ended.

    Attributes:
        code: 0, the exit code of its error, or -9.
        calls: Names and paths of the calls on the run, in order, as Python calls them.
        by_system: Their names as Linux calls them.
        befell: Which call something was done to; "" for none.
    """

    code: int
    calls: list[tuple[str, str]]
    by_system: list[str]
    befell: str


def traced(folder: Path, options: list[str]) -> Saved:
    """Save step 12 of a run under strace."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    begun(folder)
    log, (ours, theirs) = folder / "trace", Pipe()
    child = Child(saves, folder, theirs)
    assert ours.recv() == "ready"
    tracer = attached(child.process.pid or 0, log, ["-e", f"trace={','.join(CALLS)},execve", *options])
    assert tracer is not None
    ours.send("go")
    try:
        code = child.result()
    except EOFError:
        code = child.exit_code()
    tracer.wait(timeout=30)
    calls, by_system, befell = [], list[str](), ""
    for line in log.read_text().splitlines():
        parts = LINE.match(line)
        if parts and str(folder / RUN) in line:
            calls.append((NAMES.get(parts[1], parts[1]), ending(*parts.groups()[:2])))
            by_system.append(parts[1])
            befell = parts[1] if "(INJECTED)" in line else befell
    return Saved(code, calls, by_system, befell)


def ending(name: str, arguments: str) -> str:
    """Return the name of what a call is done to; process ids in it are left out."""
    of_file = re.match(r"\d+<([^>]*)>", arguments)
    named = re.search(r'"([^"]*)"', arguments) if of_file is None or name == "unlinkat" else of_file
    assert named, arguments
    return plain(named[1])


def plain(path: str) -> str:
    """Return the last part of a path without process ids."""
    return re.sub(r"-[1-9]\d*(-\d)?$", "-N", re.sub(r"-\d+(-\d)$", "-N", Path(path).name))


def saves(folder: Path, told: Connection) -> int:
    """Save in a process of its own; what is loaded at the first save is loaded before the tracer comes."""
    with folder_in_memory() as other:
        save(begun(other), 12)
    told.send("ready")
    told.recv()
    try:
        save(RunDir(folder / RUN), 12)
    except DltkError as error:
        return error.code
    except OSError as error:
        return -(error.errno or 1000)
    return 0


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_in_memory() as made:
        yield made / "a"


def counted(folder: Path) -> list[tuple[str, str]]:
    """Return the calls of the same save as they are counted in Python, with which other tests count."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    begun(folder)
    calls: list[tuple[str, str]] = Child(saves_counted, folder).result()
    return calls


def saves_counted(folder: Path) -> list[tuple[str, str]]:
    with folder_in_memory() as other:
        save(begun(other), 12)
    system = System(folder / RUN)
    system.arm()
    save(RunDir(folder / RUN), 12)
    system.disarm()
    return [(event.name, plain(event.path)) for event in system.events]


def test_what_is_counted_in_python_is_what_the_system_sees(folder: Path) -> None:
    seen, ours = traced(folder, []).calls, counted(folder)
    beyond = list(seen)
    for call in ours:  # in this order
        assert call in beyond, f"{call} was not made, or not then"
        beyond.remove(call)
    rest = iter(seen)
    assert all(call in rest for call in ours), "the order is another"
    assert {name for name, _ in beyond} == {"open", "close"}, "what changes nothing: folders are listed, files closed"
    written = {path for name, path in seen if name == "write"}
    assert not {path for name, path in beyond if name == "open"} & written
    assert len(ours) > 80


def points(folder: Path, call: str, inject: str, chosen: Iterable[int]) -> Counter[str]:
    """Let calls of a kind fail, or be the last; check what is left. Stop where there are no more of them."""
    told: Counter[str] = Counter()
    for number in chosen:
        saved = traced(folder, ["-e", f"inject={call}:{inject.format(number)}"])
        if saved.code != -signal.SIGKILL and not saved.befell:
            break
        run = RunDir(folder / RUN)
        found = found_in(run)
        assert saved.code in codes(call, inject), f"{call} {number} {inject}: {saved}"
        assert found == 12 if saved.code == 0 else found in {8, 12}, f"{call} {number} {inject}: {saved}"
        save_again(run, 16)
        assert found_in(run) == 16, "it goes on"
        told[f"{saved.code}, then {found}"] += 1
    tell(f"{call} {inject}:", dict(told))
    return told


def codes(call: str, inject: str) -> set[int]:
    """Return how a save may end."""
    unreadable = {81} if "EIO" in inject and call in ("openat", "close") else set()  # what the disk has lost is damaged
    untold = {1} if call == "write" and inject.endswith("+") else set()  # the process cannot tell any more either
    return {0, 71, 73, 74, -signal.SIGKILL} | BY_ITSELF | unreadable | untold


KILL = "signal=KILL:when={}"
FEW = 3


def few(folder: Path, call: str) -> list[int]:
    """Return the first, the middle and the last call of a kind."""
    total = sum(name == call for name in traced(folder, ["-e", f"trace={call}"]).by_system)
    return sorted({1, (total + 1) // 2, total})


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_call_that_ends_the_process_costs_no_checkpoint(folder: Path, call: str) -> None:
    assert points(folder, call, KILL, few(folder, call)).total() == FEW


@pytest.mark.parametrize(
    ("call", "error"), [("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EIO"), ("openat", "EIO")]
)
def test_a_call_that_fails_costs_no_checkpoint(folder: Path, call: str, error: str) -> None:
    assert points(folder, call, f"error={error}:when={{}}", few(folder, call)).total() == FEW


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("call", CALLS)
def test_any_call_that_ends_the_process_costs_no_checkpoint(folder: Path, call: str) -> None:
    assert points(folder, call, KILL, count(1)).total() >= 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("lasts", ["", "+"], ids=["once", "for good"])
@pytest.mark.parametrize(("call", "error"), [(call, error) for call, errors in CALLS.items() for error in errors])
def test_any_call_that_fails_costs_no_checkpoint(folder: Path, call: str, error: str, lasts: str) -> None:
    assert points(folder, call, f"error={error}:when={{}}{lasts}", count(1)).total() >= 2
