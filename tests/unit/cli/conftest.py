"""A current directory of its own, and a finished run to look at."""

from pathlib import Path

import pytest

from tests.commands import IRIS, Commands
from tests.threads import threads_as_they_were

__all__ = ["threads_as_they_were"]

# The run that most tests only look at is trained once.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, which holds iris.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.yaml").write_text(IRIS)
    return tmp_path


@pytest.fixture
def dltk(capsys: pytest.CaptureFixture[str], folder: Path) -> Commands:
    """Return what runs commands in `folder`."""
    return Commands(capsys)


@pytest.fixture(scope="session")
def iris_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a completed run; it is not to be changed."""
    import dltk
    from dltk.experiment import RunOptions

    folder = tmp_path_factory.mktemp("iris")
    (folder / "iris.yaml").write_text(IRIS)
    return dltk.train(folder / "iris.yaml", options=RunOptions(folder / "run", quiet=True)).path
