"""The page on exports: its commands and its program run as they stand, on fewer epochs."""

import shutil
from pathlib import Path

import pytest

from dltk.cli.app import run
from tests.contracts.test_docs import DOCS, blocks, commands

pytest.importorskip("onnxruntime")


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_page_on_exports_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DOCS.parent / "configs" / "start", "configs/start")
    for command in commands("export"):
        overrides = ["train.epochs=1", "train.threads=1"] if command[0] == "train" else []
        assert run([*command, *overrides]) == 0, capsys.readouterr().err
    capsys.readouterr()
    (program,) = (block for block in blocks("export") if block["language"] == "python")
    exec(compile(program["text"], "use_it.py", "exec"), {})
    assert all(name in "0123456789" for name in eval(capsys.readouterr().out))
    written = {path.name for path in Path("digits").iterdir()}
    assert written == {"model.onnx", "model.json", "example.safetensors", "preparation.json", "manifest.json"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
