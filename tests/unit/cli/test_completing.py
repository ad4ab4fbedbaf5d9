"""What a shell is offered, and the panels of the help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dltk.config import registry, shipped
from tests.commands import Commands
from tests.unit.cli.test_start_up import HEAVY


def offered(folder: Path, *words: str) -> list[str]:
    """Return what bash is offered for the last of some words."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "_DLTK_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["dltk", *words]),
        "COMP_CWORD": str(len(words)),
    }
    program = (
        "import atexit, sys\n"
        f"heavy = lambda: [name for name in {HEAVY!r} if name in sys.modules]\n"
        "atexit.register(lambda: print('heavy', *heavy(), file=sys.stderr))\n"
        "from dltk.__main__ import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == "heavy\n"
    return done.stdout.split()


@pytest.fixture
def place(folder: Path, iris_run: Path) -> Path:
    """Return a folder with configs and a run."""
    (folder / "runs").mkdir()
    (folder / "runs" / "iris").mkdir()
    (folder / "runs" / "iris" / "20260101-000000-0000").symlink_to(iris_run)
    (folder / "configs").mkdir()
    (folder / "configs" / "mine.yaml").write_text("data: {name: csv}\nmodel: {name: mlp}\n")
    (folder / "notes.txt").write_text("")
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tra"], ["train"]),
        (["train", "i"], ["iris.yaml"]),
        (["train", "conf"], ["configs/"]),
        (["train", "configs/"], ["configs/mine.yaml"]),
        (["train", "no"], []),
        (["train", "configs/mine.yaml", "model.hid"], ["model.hidden="]),
        (["train", "configs/mine.yaml", "data.tar"], ["data.target=", "data.target_kind=", "data.target_strip="]),
        (["train", "nothing.yaml", "train.ep"], ["train.epochs="]),
        (["train", "configs/mine.yaml", "optimizer.weight"], ["optimizer.weight_decay="]),
        (["train", "configs/mine.yaml", "optimizer.lr="], []),
        (["eval", "ir"], ["iris"]),
        (["eval", "iris/"], ["iris/20260101-000000-0000"]),
        (["eval", "runs/iris/2"], ["runs/iris/20260101-000000-0000"]),
        (["predict", "runs/i"], ["runs/iris"]),
        (["verify", "ir"], ["iris"]),
        (["show", "len"], ["lenet"]),
        (["show", "iri"], ["iris"]),
        (["list", "mod"], ["models"]),
        (["new", "mnist_l"], ["mnist_lenet"]),
        (["data", "describe", "mni"], ["mnist"]),
        (["data", "download", "cifar10"], ["cifar10", "cifar100"]),
    ],
    ids=" ".join,
)
def test_the_shell_is_offered(words, expected, place):
    assert [word.removesuffix(" ") for word in offered(place, *words)][: len(expected) + 1] == expected


def test_every_shipped_config_and_data_set_is_offered():
    from dltk.cli import completing

    assert [name for name, _ in completing.shipped_configs("")] == [path.stem for path in shipped.configs()]
    assert completing.data_sets("") == registry.names("datasets")


def test_the_help_lists_every_command_in_one_of_four_panels(dltk: Commands) -> None:
    from dltk.cli.commands import COMMANDS

    text = dltk.ok("--help").out
    panels = text[text.index("Train and use:") :]
    headings = [line for line in panels.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Train and use:", "Prepare:", "Compare and check:", "Exchange:"]
    told = [line.split()[0] for line in panels.splitlines() if line.startswith("  ") and line[2] != " "]
    assert told == list(COMMANDS)
    assert "..." not in panels
