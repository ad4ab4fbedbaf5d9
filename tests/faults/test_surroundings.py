"""Odd surroundings: no UTF-8, no terminal, strange paths, no network: every command works, and says so plainly."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import QUIET, write_table

STRANGE = "ä b 测试 🚀 'q\"$(x)` \x1b[2J"
CONFIG = (
    "name: odd\ndata: {name: csv, path: table.csv, target: kind}\nmodel: {name: linear}\n"
    "train: {epochs: 2, threads: 1}\n" + QUIET
)
NO_UTF_8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
COMMANDS = [
    ["train", "odd.yaml", "--output-dir", "run"],
    ["train", "odd.yaml", "--dry-run"],
    ["train", "--resume", "run", "train.epochs=3"],
    ["cv", "odd.yaml", "--folds", "2"],
    ["eval", "run", "--pictures", "drawn"],
    ["predict", "run", "table.csv"],
    ["predict", "run", "table.csv", "--output", "ä 🚀.csv"],
    ["predict", "run", "table.csv", "--json"],
    ["verify", "run"],
    ["data", "describe", "odd.yaml"],
    ["list", "runs"],
    ["list"],
    ["show", "run"],
    ["show", "csv"],
    ["schema"],
    ["--help"],
]
RUN_ALL = """
import json, os, sys
from dltk.__main__ import spell_paths_in_utf_8
from dltk.cli.app import run
spell_paths_in_utf_8()
spelled = lambda word: os.fsdecode(word.encode("utf-8"))
folder, commands, answers = json.load(open(sys.argv[1], encoding="utf-8"))
os.chdir(spelled(folder))
codes = [run([spelled(word) for word in command]) for command in commands]
json.dump(codes, open(answers, "w"))
"""


def run_all(folder: Path, asked: Path, **environment: str) -> tuple[list[int], bytes]:
    """Run the commands in one process without a terminal; return their codes and all that was printed."""
    answers = asked.with_name("answers.json")
    asked.write_text(json.dumps([str(folder), COMMANDS, str(answers)]), encoding="utf-8")
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    done = subprocess.run([sys.executable, "-c", RUN_ALL, asked], capture_output=True, env=own, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return json.loads(answers.read_text()), done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that takes any name")
@pytest.mark.parametrize(
    "environment", [NO_UTF_8, {"PYTHONIOENCODING": "ascii"}], ids=["locale without UTF-8", "streams of ASCII"]
)
def test_every_command_works_in_a_strange_folder_without_utf_8_and_terminal(tmp_path, environment):
    folder = tmp_path / STRANGE
    folder.mkdir()
    (folder / "odd.yaml").write_text(CONFIG)
    rows = write_table(folder / "table.csv").read_text().replace("red", "붉은 🟥").replace("big", "größer")
    (folder / "table.csv").write_text(rows, encoding="utf-8")
    codes, printed = run_all(folder, tmp_path / "asked.json", **environment)
    wrong = [(command, code) for command, code in zip(COMMANDS, codes, strict=True) if code != 0]
    assert wrong == [], printed.decode("ascii", "replace")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", printed.decode("utf-8"))
    assert printed.isascii() or environment == NO_UTF_8
    answers = (folder / "ä 🚀.csv").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 61
    assert any(",größer," in answer for answer in answers)


def idx_files(folder: Path) -> None:
    """Write a tiny MNIST."""
    folder.mkdir(parents=True)
    for part, count in (("train", 60), ("t10k", 20)):
        header = b"".join(number.to_bytes(4, "big") for number in (2051, count, 28, 28))
        pixels = bytes(i * j % 256 for i in range(count) for j in range(784))
        labels = b"".join(number.to_bytes(4, "big") for number in (2049, count)) + bytes(i % 10 for i in range(count))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + pixels))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


def watched(folder: Path, commands: list[list[str]], **environment: str) -> list[dict[str, Any]]:
    """Run commands under the audit hook of watched.py; return what each gave."""
    asked = {"harmless": [], "commands": [{"folder": str(folder), "arguments": command} for command in commands]}
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, str(Path(__file__).with_name("watched.py")), str(folder)]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, env=own, check=False)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)["answers"]
    return answers


def test_data_that_are_there_open_no_connection_and_offline_none_is_opened_for_others(tmp_path):
    idx_files(tmp_path / "cache" / "mnist")
    (tmp_path / "c.yaml").write_text(
        "data: {name: mnist, batch_size: 8}\nmodel: {name: linear}\ntrain: {epochs: 1, threads: 1}\n" + QUIET
    )
    commands = [
        ["train", "c.yaml", "--output-dir", "run"],
        ["eval", "run"],
        ["data", "download", "mnist"],
        ["data", "describe", "mnist"],
        ["train", "c.yaml", "data.name=fashion_mnist", "--offline"],
    ]
    answers = watched(
        tmp_path, commands, DLTK_OFFLINE="", DLTK_CACHE=str(tmp_path / "cache"), DLTK_DATA=str(tmp_path / "absent")
    )
    assert [answer["code"] for answer in answers] == [0, 0, 0, 0, 66]
    opened = [event for answer in answers for event in answer["seen"] if event.startswith("socket")]
    assert opened == []
    assert "fashion" in answers[-1]["err"]
