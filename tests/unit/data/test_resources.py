"""What this process may use is what the machine has, or less where its control groups say so."""

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
