"""The pages on TensorBoard and sweeps: options, commands and scripts that they name exist and do what they say."""

import json
import re
import shlex
from pathlib import Path

import pytest

from dltk.cli.app import run
from dltk.config.checking import check_config
from dltk.config.sections import TensorboardOptions

REPOSITORY = Path(__file__).parent.parent.parent
DOCS = REPOSITORY / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("tensorboard", "sweeps")}
IRIS = """
name: digits_iris
data: {name: iris}
model: {name: linear}
train: {epochs: 1, threads: 1}
tensorboard: null
"""


def blocks(page: str, language: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)
    return [text for spoken, text in found if spoken == language]


def test_the_table_has_every_kind_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (on|off) \|", PAGES["tensorboard"], re.MULTILINE))
    defaults = TensorboardOptions().plain()
    assert list(rows) == list(defaults)
    assert rows == {kind: "on" if is_on else "off" for kind, is_on in defaults.items()}


def test_the_config_on_the_page_is_valid(tmp_path: Path) -> None:
    (text,) = blocks("tensorboard", "yaml")
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    check_config(tmp_path / "config.yaml")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_script_is_there(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGES[page])
    scripts = re.findall(r"\bscripts/\w+(?:\.sh)?", PAGES[page])
    assert [link for link in links if not (DOCS / link).exists()] == []
    assert [script for script in scripts if not (REPOSITORY / script).is_file()] == []


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_program_that_measures_the_cost_works(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = blocks("tensorboard", "python")
    program = program.replace("configs/mlp/mnist_dense.yaml", "iris.yaml").replace('"graph": True', '"graph": False')
    exec(compile(program, "measure.py", "exec"), {})
    printed = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    table = PAGES["tensorboard"].partition("## What it costs")[2]
    assert len(printed) == len(re.findall(r"\| \d\.\d\d \+- \d\.\d\d \|$", table, re.MULTILINE))


@pytest.mark.usefixtures("folder")
def test_the_commands_on_sweeps_work(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = blocks("sweeps", "json")
    assert run(["train", "iris.yaml", "--json", "--quiet", "train.test=false"]) == 0
    real = json.loads(capsys.readouterr().out)
    example = json.loads(shown)
    assert list(example) == list(real)
    assert list(example["scores"]) == list(real["scores"])
    commands = [line for block in blocks("sweeps") for line in block.splitlines() if line.startswith("dltk list")]
    assert len(commands) == 3
    for command in commands:
        assert run(shlex.split(command)[1:]) == 0, capsys.readouterr().err
    for flags in (["--max-time", "55m"], ["--overfit-batches", "2"]):
        assert run(["train", "iris.yaml", *flags, "--quiet", "--resume", "auto", "--json"]) == 0
    assert "/digits_iris-overfit/" in capsys.readouterr().out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change into a folder with a config and an empty folder of runs."""
    (tmp_path / "iris.yaml").write_text(IRIS)
    monkeypatch.chdir(tmp_path)
