"""No fault while a directory is written, and no kill, costs what was there before."""

import errno
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dltk.config.errors import WriteError
from dltk.training.saving.durable import clear_leftovers, write_files, write_text
from tests.unit.training.tiny import files_in

CALLS = ("fsync", "rename", "mkdir", "open")


class Fault:
    """Makes the N-th call of one kind fail, and where it lasts all later ones too."""

    def __init__(self, monkeypatch, name, number, code, *, lasts):
        self.count, self.number, self.code, self.lasts = 0, number, code, lasts
        self.call = getattr(os, name)
        monkeypatch.setattr(os, name, self.attempt)

    def attempt(self, *args, **kwargs):
        self.count += 1
        if self.count == self.number or (self.lasts and self.count > self.number):
            raise OSError(self.code, os.strerror(self.code))
        return self.call(*args, **kwargs)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_lasting_fault_leaves_the_old_directory_byte_identical(tmp_path, monkeypatch, code, call):
    target = tmp_path / "target"
    write_files(target, {"a.bin": b"old"}, {})
    before = files_in(tmp_path)
    for number in itertools.count(1):
        with monkeypatch.context() as patch:
            Fault(patch, call, number, code, lasts=True)
            try:
                write_files(target, {"a.bin": b"newer", "b.bin": b"more"}, {})
            except WriteError as error:
                assert error.code == 74  # noqa: PT017 - in a loop that ends where no error comes
                assert os.strerror(code) in error.message  # noqa: PT017
                assert "bytes needed" in error.found  # noqa: PT017
            else:
                break
        if call != "rename":  # else it cannot be put back at once, only by the next owner
            assert files_in(target) == {"a.bin": b"old", "manifest.json": before["target/manifest.json"]}, (
                f"after a fault at call {number}"
            )
        clear_leftovers(tmp_path)
        assert files_in(tmp_path) == before, f"after a fault at call {number}"
    assert number > 1
    assert files_in(target)["a.bin"] == b"newer"


@pytest.mark.parametrize("call", CALLS)
def test_a_passing_fault_is_overcome_by_a_second_try(tmp_path, monkeypatch, call):
    target = tmp_path / "target"
    for number in itertools.count(1):
        write_files(target, {"a.bin": b"old"}, {})
        with monkeypatch.context() as patch:
            fault = Fault(patch, call, number, errno.EIO, lasts=False)
            write_files(target, {"a.bin": b"newer"}, {})
        clear_leftovers(tmp_path)
        assert {path: content for path, content in files_in(tmp_path).items() if "json" not in path} == {
            "target/a.bin": b"newer"
        }
        if fault.count < number:
            break
    assert number > 1


LIMITED = """
import resource, sys
from pathlib import Path
from dltk.config.errors import WriteError
from dltk.training.saving.durable import write_files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_files(Path(sys.argv[1]), {"a.bin": bytes(5000)}, {})
except WriteError as error:
    print(error)
    raise SystemExit(error.code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_full_disk_leaves_the_old_directory_byte_identical(tmp_path):
    write_files(tmp_path / "target", {"a.bin": b"old"}, {})
    before = files_in(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "target")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 74, done.stderr
    assert "cannot write target: File too large" in done.stdout
    assert files_in(tmp_path) == before


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_files_are_on_the_disk_before_their_names_are(tmp_path):
    script = (
        "import sys; from pathlib import Path; from dltk.training.saving.durable import write_files; "
        "write_files(Path(sys.argv[1]), {'a.bin': b'1', 'b.bin': b'2'}, {})"
    )
    trace = tmp_path / "trace"
    traced = ["strace", "-f", "-y", "-qq", "-o", str(trace), "-e", "trace=write,fsync,rename,renameat,renameat2"]
    command = [*traced, sys.executable, "-B", "-c", script, str(tmp_path / "target")]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("strace may not trace here")
    calls = []
    for line in trace.read_text().splitlines():
        if str(tmp_path) in line:
            call = line.split(None, 1)[1].split("(")[0].rstrip("at2")
            path = line.split("<", 1)[1].split(">")[0] if call != "rename" else ""
            calls.append((call, Path(path).name if not path.endswith(tmp_path.name) else "parent"))
    staged = next(name for call, name in calls if call == "fsync" and name.startswith(".tmp-"))
    files = [(call, name) for name in ("a.bin", "b.bin", "manifest.json") for call in ("write", "fsync")]
    assert calls == [*files, ("fsync", staged), ("rename", ""), ("fsync", "parent")]


def test_everything_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    synced, real = set(), {name: getattr(os, name) for name in ("fsync", "rename", "replace")}

    def fsync(descriptor):
        synced.add(os.fstat(descriptor).st_ino)
        real["fsync"](descriptor)

    def named(name):
        def attempt(old, new, **kwargs):
            inside = list(Path(old).iterdir()) if Path(old).is_dir() else []
            missing = [path.name for path in (Path(old), *inside) if path.stat().st_ino not in synced]
            assert not missing, f"{missing} may be lost"
            synced.discard(Path(new).parent.stat().st_ino)
            real[name](old, new, **kwargs)

        return attempt

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", named("rename"))
    monkeypatch.setattr(os, "replace", named("replace"))
    parent = tmp_path.stat().st_ino
    for write in (
        lambda: write_files(tmp_path / "target", {"a.bin": b"old"}, {}),
        lambda: write_files(tmp_path / "target", {"a.bin": b"new", "b.bin": b"1"}, {}),
        lambda: write_text(tmp_path / "status.json", "{}"),
    ):
        write()
        assert parent in synced, "the name may be lost"


CRASHES = Path(__file__).with_name("crash_points.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
@pytest.mark.parametrize("is_replacing", [False, True], ids=["new", "replacing"])
def test_a_kill_at_any_call_leaves_the_old_or_the_new_directory(tmp_path, is_replacing):
    arguments = [sys.executable, str(CRASHES), str(tmp_path), "replacing" if is_replacing else "new"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    points = [line.split() for line in done.stdout.splitlines()]
    assert len(points) >= 30, "kills, each with what was found after it"
    outcomes = {found for _, _, found in points}
    assert outcomes == ({"old", "new"} if is_replacing else {"nothing", "new"})
