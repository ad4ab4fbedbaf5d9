"""Commands run inside this process, and the tiny experiments they are tried on."""

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dltk.cli.app import run

QUIET = "tensorboard: null\n"
IRIS = "data: {name: iris, batch_size: 16}\nmodel: {name: mlp, hidden: [4]}\ntrain: {epochs: 2, threads: 1}\n" + QUIET
TABLE = (
    "data: {name: csv, path: table.csv, target: kind}\nmodel: {name: linear}\ntrain: {epochs: 2, threads: 1}\n" + QUIET
)


@dataclass(frozen=True)
class Answer:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


class Commands:
    """Runs commands as `dltk` would, in the current directory."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Answer:
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    def ok(self, *arguments: object) -> Answer:
        """Run a command that must succeed."""
        answer = self(*arguments)
        assert answer.code == 0, answer.err
        return answer

    def trained(self, *arguments: object) -> Path:
        """Train quietly; return the run directory."""
        return Path(self.ok("train", *arguments, "--quiet", "--json").json["run"])


def write_table(path: Path, num_rows: int = 60, columns: str = "a,b,colour,kind") -> Path:
    """Write a table whose kind follows from two numbers."""
    chance = random.Random(7)
    rows = [columns]
    for _ in range(num_rows):
        a, b = chance.random(), chance.random()
        colour, kind = chance.choice(["red", "blue"]), "big" if a + b > 1 else "small"
        cells = {"a": f"{a:.3f}", "b": f"{b:.3f}", "colour": colour, "kind": kind}
        rows.append(",".join(cells[column] for column in columns.split(",")))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def weights(run_directory: Path) -> dict[str, str]:
    """Return the digest of the weights in every checkpoint."""
    return {
        path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run_directory.glob("checkpoints/step-*/model.safetensors")
    }


def record(run_directory: Path) -> list[dict[str, Any]]:
    """Return the rows of metrics.jsonl without what the clock says."""
    rows = [json.loads(line) for line in (run_directory / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def contents(directory: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a directory, but for the lock."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}
