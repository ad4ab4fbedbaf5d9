"""A current directory of its own, and the number of threads as it was."""

from pathlib import Path

import pytest

from dltk.config import registry
from tests.threads import threads_as_they_were

__all__ = ["threads_as_they_were"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the plug-ins that other tests loaded."""
    monkeypatch.setattr(registry, "_plugins", {})
