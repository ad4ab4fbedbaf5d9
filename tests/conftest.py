"""No test opens a socket to the world: downloads are tried on a server in the test's own process."""

import os

import pytest

from dltk.data import transfer

os.environ["DLTK_OFFLINE"] = "1"


@pytest.fixture(autouse=True)
def a_voice_as_at_the_start():
    """Let what a command said quietly, in this process, not silence the next test."""
    token = transfer.voice.set("auto")
    yield
    transfer.voice.reset(token)
