"""Steps that tests compile: once for all of them, in pytest's own cache, for a compiler takes ten seconds."""

import pytest

from dltk.training.compiled.machine_code import compiler

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")


@pytest.fixture
def compiled_once(request, monkeypatch):
    """Let what one test compiled be found by the next one, and by the next session."""
    monkeypatch.setenv("DLTK_CACHE", str(request.config.cache.mkdir("dltk-compiled")))
