"""Whether torchrun started several processes follows from its variables alone."""

import pytest

from dltk.config.processes import are_several, is_follower, processes_here

STARTED = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


@pytest.fixture
def started(monkeypatch):
    for name, value in STARTED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_torchrun_starts_several(started):
    assert (are_several(), is_follower(), processes_here()) == (True, True, 2)
    started.setenv("RANK", "0")
    assert (are_several(), is_follower()) == (True, False)


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"])
def test_a_variable_that_something_else_set_starts_nothing(started, name):
    started.delenv(name)
    assert (are_several(), is_follower(), processes_here()) == (False, False, 1)


def test_a_single_process_is_alone(started):
    started.setenv("WORLD_SIZE", "1")
    started.setenv("RANK", "0")
    assert (are_several(), processes_here()) == (False, 1)
