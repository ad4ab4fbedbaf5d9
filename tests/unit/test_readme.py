"""The README's first screen is what a user gets: its command, its configs and its Python all work."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dltk
from dltk.cli.app import run
from dltk.config.checking import check_config

REPOSITORY = Path(__file__).parent.parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMAND = "scripts/dltk train configs/start/digits_mlp.yaml"
MACHINE_DEPENDENT = [(r"\d+\.\d s$", "SECONDS"), (r"\d{8}-\d{6}-\w{4}", "RUN"), (r"^device: .*", "DEVICE")]
ROUNDED = r"^(epoch )\d+(?=/)|^(weights of step )\d+"  # where it stops, and where it was best, hang on last bits
FIRST_EPOCHS = ("epoch 1/", "epoch 2/")
TOLERANCE = 0.02
"""Processors round differently, and what is learned from small differences grows."""


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def lines_without_machine(text: str) -> list[str]:
    for pattern, word in MACHINE_DEPENDENT:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return [line if line.startswith(FIRST_EPOCHS) else re.sub(ROUNDED, r"\1\2#", line) for line in text.splitlines()]


def agree(shown: str, real: str) -> bool:
    """Return whether two lines have the same words and nearly the same numbers."""
    number = r"\d+\.\d+"
    pairs = zip(re.findall(number, shown), re.findall(number, real), strict=False)
    return re.sub(number, "#", shown) == re.sub(number, "#", real) and all(
        abs(float(one) - float(other)) <= TOLERANCE for one, other in pairs
    )


def values_of(text: str) -> Iterator[Any]:
    """Run Python text; yield what each expression that stands by itself gives."""
    names: dict[str, Any] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr):
            yield eval(compile(ast.Expression(node.value), "README.md", "eval"), names)
        else:
            exec(compile(ast.Module([node], []), "README.md", "exec"), names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a current directory with the shipped configs and an image."""
    from PIL import Image

    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    Image.new("L", (8, 8), 255).save(tmp_path / "your_image.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_first_command_prints_what_the_first_screen_shows(capsys: pytest.CaptureFixture[str]) -> None:
    commands, output = blocks("")[:2]
    assert commands.startswith(COMMAND)
    assert run([*COMMAND.split()[1:], "--device", "cpu", "--no-progress"]) == 0
    captured = capsys.readouterr()
    real = lines_without_machine(captured.err + captured.out)
    begin, end = (lines_without_machine(part) for part in output.split("\n...\n"))
    shown = [*begin, *end]
    expected = [*real[: len(begin)], *real[-len(end) :]]
    differing = [pair for pair in zip(shown, expected, strict=True) if not agree(*pair)]
    assert not differing, f"the command now prints:\n{captured.err}{captured.out}"


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_config_in_the_readme_is_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    check_config(tmp_path / "config.yaml")


@pytest.mark.usefixtures("folder")
def test_the_python_in_the_readme_works() -> None:
    (text,) = blocks("python")
    text = text.replace("1e-2}", '1e-2, "train.epochs": 1, "train.device": "cpu"}')
    scores, history, answers, model = values_of(text)
    assert set(scores) == {"val/accuracy", "val/loss", "test/accuracy", "test/loss"}
    assert len(history) == 1
    assert [(row["input"], row["status"]) for row in answers] == [("your_image.png", "ok")]
    assert {"label", "probability"} <= set(answers[0])
    assert sum(parameter.numel() for parameter in model.parameters()) == 4_810
    assert dltk.load("digits_mlp").scores == scores


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_every_command_in_the_readme_exists() -> None:
    from dltk.cli.commands import COMMANDS

    named = set(re.findall(r"`(?:echo [^`]*)?dltk ([a-z]+)", README))
    assert named
    assert named <= {*COMMANDS}
