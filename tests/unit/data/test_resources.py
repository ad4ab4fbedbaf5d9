"""What this process may use is what the machine has, or less where its control groups say so."""

import os
import platform
import subprocess
import sys

import pytest

from dltk.data import resources
from dltk.data.resources import available_bytes, cores, memory_bytes


@pytest.fixture
def groups(tmp_path, monkeypatch):
    own = tmp_path / "cgroup"
    own.write_text("4:memory:/old\n0::/outer/inner\n")
    monkeypatch.setattr(resources, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(resources, "_OWN_GROUP", own)
    inner = tmp_path / "groups" / "outer" / "inner"
    inner.mkdir(parents=True)
    return inner


def test_this_machine_has_memory_and_cores():
    memory, available = memory_bytes(), available_bytes()
    assert memory is None or 2**28 < memory < 2**50
    assert available is None or 0 < available <= (memory or available)
    assert cores() >= 1


def test_a_group_of_processes_has_a_limit_of_its_own(groups):
    whole = memory_bytes()
    (groups / "memory.max").write_text("max\n")
    assert memory_bytes() == whole
    (groups.parent / "memory.max").write_text("2097152\n")
    assert memory_bytes() in {2097152, None}
    (groups / "memory.max").write_text("1048576\n")
    assert memory_bytes() in {1048576, None}


def test_what_a_group_has_used_is_not_available_but_what_it_holds_of_files_is(groups):
    (groups / "memory.max").write_text("1000000\n")
    (groups / "memory.current").write_text("900000\n")
    assert available_bytes() == 100_000
    (groups / "memory.stat").write_text("anon 5\ninactive_file 50000\n")
    assert available_bytes() == 150_000
    (groups / "memory.current").write_text("2000000\n")
    assert available_bytes() == 0


def test_an_available_amount_that_the_system_does_not_tell_is_the_whole(groups, monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "_MACHINE", tmp_path / "none")
    assert available_bytes() == memory_bytes()


FAULTS = """
import resource
from dltk.data.resources import keep_freed_memory
keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block = b"x" * 2**26
del block
before = faults()
for _ in range(5):
    block = b"x" * 2**26
    del block
print(faults() - before)
"""


def pages_got_anew(**environment: str) -> int:
    """Return how many pages a process got for a block of 64 MiB that it allocates and frees five times more."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    usual["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", FAULTS]
    done = subprocess.run(command, env=usual | environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other ways")
def test_memory_that_is_freed_stays_for_what_comes_next():
    assert pages_got_anew() < 500


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other ways")
@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_what_a_user_says_of_memory_stands(name):
    said = {"MALLOC_ARENA_MAX": "2", "GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}[name]
    assert pages_got_anew(**{name: said}) > 5 * 2**26 / os.sysconf("SC_PAGE_SIZE") / 2
