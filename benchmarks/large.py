"""Large data: whole commands on a table and on texts, in memory and from the disk, and one under a limit of memory."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.programs import PYTHON, Program, once, tested
from benchmarks.records import Row

MEGABYTE = 1_000_000
DEFAULT_MB = 80
STEPS = 300
STORAGES, CHOSEN = ("memory", "disk"), "by the rule"
"""`eval` and `predict` have no option for it: the rule for `data.storage: auto` decides."""
NUM_NUMBERS, NUM_LETTERS, LETTERS = 10, 40, "abcdefghijklmnopqrst"
NUM_WORDS, WORDS_OF_A_TEXT = 30_000, 30
ASKED_SHARE = 10
"""One in so many rows is asked about by `predict`."""
SHARE_OF_ENCODED, LEAST_LIMIT = 0.75, 1_200_000_000
"""A training may take so much of what the samples would take in memory, where torch can begin with that at all."""
_ROWS_AT_A_TIME = 5000
_IN_MEMORY, _UNITS = re.compile(r"([\d.]+) (kB|MB|GB) in memory"), {"kB": 1e3, "MB": 1e6, "GB": 1e9}


@dataclass(frozen=True)
class Large:
    """A large file, and how it is trained on.

    Attributes:
        name: Of its rows in the results.
        header: Its first line.
        row: Draws a line.
        data: The section of a config, without the path.
        model: Likewise.
    """

    name: str
    header: str
    row: Callable[[random.Random], str]
    data: Mapping[str, Any]
    model: Mapping[str, Any]


def _table_row(chance: random.Random) -> str:
    numbers = [chance.gauss(0, 1) for _ in range(NUM_NUMBERS)]
    letters = [chance.choice(LETTERS) for _ in range(NUM_LETTERS)]
    score = numbers[0] + (letters[0] < "k") + chance.gauss(0, 0.5)
    return ",".join([*(f"{number:.4f}" for number in numbers), *letters, "yes" if score > 0.5 else "no"])


def _text_row(chance: random.Random) -> str:
    label = chance.choice(["neg", "pos"])
    words = [f"word{int(NUM_WORDS ** chance.random())}" for _ in range(WORDS_OF_A_TEXT)]
    return f"{' '.join(words)} {chance.choice(['film', label + 'itive'])},{label}"


KINDS = (
    Large(
        "table",
        ",".join([*(f"x{i}" for i in range(NUM_NUMBERS + NUM_LETTERS)), "kind"]),
        _table_row,
        {"name": "csv", "target": "kind", "batch_size": 256},
        {"name": "mlp", "hidden": [16]},
    ),
    Large(
        "texts",
        "text,label",
        _text_row,
        {"name": "text_csv", "text": "text", "label": "label", "sparse": True, "batch_size": 256},
        {"name": "embedding_bag"},
    ),
)


def written(kind: Large, path: Path, megabytes: int) -> Path:
    """Write a file of about so many MB, the same each time; all its rows are different."""
    chance = random.Random(megabytes)
    with path.open("w", encoding="utf-8") as file:
        size = file.write(f"{kind.header}\n")
        while size < megabytes * MEGABYTE:
            size += file.write("".join(f"{kind.row(chance)}\n" for _ in range(_ROWS_AT_A_TIME)))
    return path


def measured(megabytes: int, threads: int, number: int) -> Iterator[Row]:
    """Yield the rows of a round: every command on every kind of file, in memory and from the disk."""
    for kind in KINDS:
        folder = Path(tempfile.mkdtemp())
        try:
            path = written(kind, folder / "large.csv", megabytes)
            with path.open(encoding="utf-8") as file, (folder / "asked.csv").open("w", encoding="utf-8") as asked:
                asked.writelines(line for i, line in enumerate(file) if i % ASKED_SHARE == 0)
            yield from _round(kind, folder, megabytes, threads, number)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _round(kind: Large, folder: Path, megabytes: int, threads: int, number: int) -> Iterator[Row]:
    runs = [once(_train(kind, folder, megabytes, storage), threads, number) for storage in STORAGES]
    yield runs[0]
    yield _compared(runs[1], runs[0], same=_weights(folder, "memory") == _weights(folder, "disk"))
    for storage in STORAGES:
        yield once(_other(kind, folder, megabytes, storage, "plan", str(folder / f"{storage}.yaml")), threads, number)
    run, asked = str(folder / "disk"), str(folder / "asked.csv")
    evaluation = replace(_other(kind, folder, megabytes, CHOSEN, "eval", run, "--json"), score=tested)
    yield _compared(once(evaluation, threads, number), runs[0])
    answers = ("--output", str(folder / "answers.csv"))
    yield once(_other(kind, folder, megabytes, CHOSEN, "predict", run, asked, *answers), threads, number)
    limit = int(SHARE_OF_ENCODED * encoded_bytes(folder))
    if limit >= LEAST_LIMIT:
        shutil.rmtree(folder / "cache")
        held = once(_train(kind, folder, megabytes, "disk", limit), threads, number)
        yield _compared(held, runs[0], same=_weights(folder, "memory") == _weights(folder, "limited"))


def encoded_bytes(folder: Path) -> int:
    """Return what the samples of the run in memory take once they are encoded, as it says itself."""
    log = (folder / "memory" / "train.log").read_text(encoding="utf-8")
    found = _IN_MEMORY.search(log)
    return int(float(found[1]) * _UNITS[found[2]]) if found else 0


def _case(kind: Large, megabytes: int, command: str) -> str:
    return f"{kind.name} of {megabytes} MB: {command}"


def _other(kind: Large, folder: Path, megabytes: int, storage: str, command: str, *arguments: str) -> Program:
    """Return a command that is no training; what a training wrote into the cache is there."""
    train = _train(kind, folder, megabytes, "disk")
    words = (PYTHON, "-m", "dltk", command, *arguments)
    return replace(train, case=_case(kind, megabytes, command), contestant=storage, command=words, score=None)


def _train(kind: Large, folder: Path, megabytes: int, storage: str, limit: int | None = None) -> Program:
    """Return a training, which the system may hold to so many bytes of memory of its own (RLIMIT_DATA)."""
    config = {
        "data": {**kind.data, "path": str(folder / "large.csv"), "storage": storage},
        "model": kind.model,
        "train": {"steps": STEPS, "device": "cpu", "threads": 1},
        "tensorboard": None,
    }
    path = folder / f"{storage}.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    run = folder / (storage if limit is None else "limited")
    command: tuple[str, ...] = (PYTHON, "-m", "dltk", "train", str(path), "--output-dir", str(run), "--json", "--quiet")
    name = storage
    if limit is not None:
        command = ("/bin/sh", "-c", f'ulimit -d {limit // 1024} && exec "$@"', "sh", *command)
        name = f"disk, at most {limit / MEGABYTE:.0f} MB"
    environment = {"DLTK_CACHE": str(folder / "cache")}
    return Program("large", _case(kind, megabytes, "train"), name, command, score=tested, environment=environment)


def _compared(row: Row, other: Row, *, same: bool = True) -> Row:
    """Return a row, with an error where it scored, or left, something else than another one."""
    is_same = same and row.loss == other.loss
    return row if row.error or is_same else replace(row, seconds=None, error="another result than in memory")


def _weights(folder: Path, run: str) -> list[str]:
    """Return the digest of the weights of a run's last checkpoint; nothing where there is none."""
    last = sorted((folder / run / "checkpoints").glob("*/model.safetensors"))[-1:]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in last]


def large_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per command and storage: processor time, how much of the file it goes through, and memory."""
    lines = [
        "| | samples | s, of the processor | MB of the file per second | peak memory, MiB | test score |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.kind != "large":
            continue
        head = f"| {row.case} | {row.contestant} |"
        if row.error or not row.cpu_seconds:
            lines.append(f"{head} failed: {row.error[:160].replace('|', '/')} | | | |")
            continue
        speed = int(row.case.split()[2]) / row.cpu_seconds
        score = "" if row.loss is None else f"{row.loss:.4f}"
        lines.append(f"{head} {row.cpu_seconds:.3g} | {speed:.3g} | {row.peak_mb:.0f} | {score} |")
    return lines
