"""Runs on tables that lie on disk are those on tables in memory, to the bit, and take little memory."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dltk import train
from dltk.config.errors import DataError, ResumeRefused, WriteError
from dltk.data.disk.store import entries
from dltk.data.texts import room
from dltk.experiment import RunOptions
from dltk.experiment.describing import describe_data
from dltk.experiment.planning import plan
from tests.stored_runs import assert_goes_on_when_killed, assert_same, run

ROWS = 25_000
"""More than one block, in every column, and more than one of training rows."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "table.csv", ROWS)


def write_table(path: Path, num_rows: int) -> Path:
    """Write numbers, gaps, categories, dates and a group; a class and a number follow from the first two."""
    chance = random.Random(3)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,a,b,colour,on,city,kind,price\n")
        for i in range(num_rows):
            a, b = chance.gauss(0, 1), chance.gauss(0, 100)
            gap = "" if chance.random() < 0.1 else f"{b:.2f}"
            colour, city = chance.choice(["red", "blue", "", "green"]), f'"c{chance.randrange(30)}, x"'
            on = f"20{chance.randrange(10, 26)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}"
            kind = "" if i % 997 == 5 else "big" if a + b / 100 > 0 else "small"
            file.write(f"n{i},{a:.4f},{gap},{colour},{on},{city},{kind},{a * 3 + b:.3f}\n")
    return path


def config(path: Path, **data: Any) -> dict[str, Any]:
    options = {"name": "csv", "path": str(path), "target": "kind", "id": "id", "drop": ["price"], **data}
    return {
        "data": options,
        "model": {"name": "mlp", "hidden": [4]},
        "train": {"steps": 60, "threads": 1, "device": "cpu"},
        "tensorboard": None,
    }


WAYS: dict[str, dict[str, Any]] = {
    "usual": {},
    "bins": {"scaling": "piecewise_linear", "num_bins": 5, "encode": "ordinal", "sampler": "balanced"},
    "ranks": {"scaling": "quantile_normal", "encode": "hashing", "group": "city"},
    "number": {"target": "price", "drop": ["kind"], "scaling": "robust", "time": "on"},
    "numbers": {"target": ["price", "a"], "drop": ["kind", "id"], "id": None, "subset": 0.95, "max_categories": 3},
}


@pytest.mark.parametrize("way", WAYS)
def test_disk_and_memory_give_the_same_run(table, tmp_path, way):
    assert_same(config(table, **WAYS[way]), tmp_path)


def test_a_table_that_would_take_too_much_goes_to_disk_by_itself(table, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: 10 * table.stat().st_size)
    found = run(config(table), tmp_path / "run")
    assert "storage: disk" in found.directory.resolved.read_text()
    assert "on disk" in found.directory.log.read_text()


def test_a_killed_run_on_disk_goes_on_to_the_same_weights(table, tmp_path):
    assert_goes_on_when_killed(config(table, storage="disk"), tmp_path)


def test_descriptions_are_alike(table):
    facts = {}
    for where in ("memory", "disk"):
        overrides = [f"data.path={table}", "data.target=kind", "data.id=id", f"data.storage={where}"]
        facts[where] = describe_data("csv", overrides).facts
        facts[where]["data"].pop("storage")
    assert facts["memory"] == facts["disk"]


def test_a_table_is_described_without_a_target(table):
    overrides = ["data.storage=disk"]
    on_disk, in_memory = describe_data(str(table), overrides), describe_data(str(table))
    assert on_disk.facts["inputs"] == in_memory.facts["inputs"]


def test_answers_are_alike(table, tmp_path, monkeypatch):
    found = run(config(table), tmp_path / "run")
    broken = tmp_path / "more.csv"
    broken.write_text(table.read_text().replace("\nn17,", "\nn17,x"))
    expected = found.predict(str(broken))
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: 10 * table.stat().st_size)
    assert found.predict(str(broken)) == expected
    assert len(expected) == ROWS
    assert expected[17]["status"] == "invalid"
    assert found.evaluate("", [f"data.path={table}"]).scores == found.evaluate("", [f"data.path={table}"]).scores


def test_what_is_wrong_is_told_alike(table, tmp_path):
    lines = table.read_text().splitlines()
    lines[20_000] = lines[20_000].replace(lines[20_000].split(",")[1], "much")
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join(lines))
    told = []
    for where in ("memory", "disk"):
        asked = config(broken, storage=where, columns={"a": {"clip": 3}})
        with pytest.raises(DataError) as caught:
            run(asked, tmp_path / where)
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert "broken.csv:20001:" in told[0]


def test_a_changed_table_is_read_anew_and_noticed_on_resume(table, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text(table.read_text())
    found = run(config(own, storage="disk"), tmp_path / "run")
    before = len(entries())
    own.write_text(table.read_text().replace("red", "blue"))
    with pytest.raises(ResumeRefused, match="the data have changed"):
        train(None, ["train.steps=90"], RunOptions(resume=str(found.path), quiet=True))
    assert len(entries()) > before


def test_a_full_disk_is_told(table, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(WriteError, match="no room for the cells of table"):
        run(config(table, storage="disk"), tmp_path / "run")


def test_a_plan_says_where_the_rows_will_lie(table, monkeypatch):
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: 10 * table.stat().st_size)
    told = plan(config(table)).as_json()
    assert {each["option"]: each["value"] for each in told["decisions"]}["data.storage"] == "disk"
    assert "data" not in told["memory"]


PEAK = """
import resource, sys
from dltk.cli.app import run
from dltk.data.texts import room
config, path, output, available = sys.argv[1:]
room.available_bytes = lambda: int(available)
assert run(["train", config, "--output-dir", output, "--quiet"]) == 0
assert run(["predict", output, path, "--output", output + ".csv"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_bytes(path: Path, available: int) -> int:
    """Train on a table and answer it, in a process of its own; return the most memory that it held."""
    place = path.with_name(f"{path.stem}-{available}")
    asked = place.with_suffix(".yaml")
    asked.write_text(json.dumps(config(path)))
    command = [sys.executable, "-c", PEAK, str(asked), str(path), str(place), str(available)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    answers = place.with_suffix(".csv").read_bytes()
    assert answers.count(b"\n") == path.read_bytes().count(b"\n")
    return int(done.stdout.split()[-1]) * 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss has another unit")
def test_training_and_answering_a_long_table_takes_the_memory_of_a_short_one(tmp_path):
    much, little = 10**12, 10**8
    short, long = write_table(tmp_path / "short.csv", 20_000), write_table(tmp_path / "long.csv", 1_200_000)
    base = peak_bytes(short, much)
    on_disk, num_bytes = peak_bytes(long, little) - base, long.stat().st_size
    assert num_bytes > room.MIN_BYTES
    assert on_disk < 5 * num_bytes, (on_disk, num_bytes)


def write_large_table(path: Path, num_bytes: int) -> Path:
    """Write rows of 12 columns and a long remark; all but a number and the class come again in every block."""
    chance = random.Random(5)
    rest = [
        ",".join(f"{chance.gauss(0, 1):.5f}" for _ in range(9)) + f",p{i % 200},{'remark ' * 120}" for i in range(5000)
    ]
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"x{i}" for i in range(10)) + ",place,remark,kind\n")
        while path.stat().st_size < num_bytes:
            first = [chance.gauss(0, 1) for _ in rest]
            file.writelines(
                f"{a:.5f},{row},{'big' if a > 0 else 'small'}\n" for a, row in zip(first, rest, strict=True)
            )
            file.flush()
    return path


LARGE = """
import json, resource, sys
from pathlib import Path
from dltk.cli.app import run
config, path, output = sys.argv[1:]
peaks = []
commands = ["train", config, "--output-dir", output, "--quiet"], ["predict", output, path, "--output", "large.jsonl"]
for command in commands:
    assert run(command) == 0
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(json.dumps(peaks))
"""


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss has another unit")
def test_a_table_of_two_gigabytes_is_trained_on_and_answered_in_one(tmp_path, monkeypatch):
    """It takes some minutes, and 5 GB of disk."""
    monkeypatch.chdir(tmp_path)
    try:
        path = write_large_table(tmp_path / "large.csv", 2 * 10**9)
        asked = {**config(path, drop=["remark"], id=None, storage="disk"), "train": {"steps": 50}}
        (tmp_path / "large.yaml").write_text(json.dumps(asked))
        command = [sys.executable, "-c", LARGE, "large.yaml", str(path), "run"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
        with path.open("rb") as rows, (tmp_path / "large.jsonl").open("rb") as answers:
            assert sum(1 for _ in answers) == sum(1 for _ in rows) - 1
    finally:
        for place in tmp_path.iterdir():
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert max(json.loads(done.stdout.splitlines()[-1])) < 1200
