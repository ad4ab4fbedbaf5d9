"""Runs on texts that lie on disk are those on texts in memory, to the bit, and take little memory."""

import gzip
import json
import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from dltk import train
from dltk.config.errors import DataError, OutOfResources, ResumeRefused
from dltk.data.batches import Loading
from dltk.data.disk.choosing import Storage, reading_to
from dltk.data.disk.store import entries
from dltk.data.packed import packing
from dltk.data.texts import columns, preparation, room, streams
from dltk.datasets import text_csv
from dltk.experiment import RunOptions, answering, finished
from dltk.experiment.describing import describe_data
from dltk.experiment.planning import plan
from tests.stored_runs import assert_goes_on_when_killed, assert_same, run, weights

ROWS = 700
WORDS = [
    f"{stem}{end}" for stem in ("Film", "good", "bad", "it's", "영화", "Sonne", "plot") for end in ("", "s", "ly", "2")
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(packing, "BLOCK_ROWS", 64)
    monkeypatch.setattr(preparation, "BLOCK_ROWS", 128)
    return tmp_path / "cache"


def text_of(chance: random.Random, label: str) -> str:
    """Return some words, now and then none, that tell the label."""
    words = chance.choices(WORDS, k=chance.choice([0, 3, 8, 8, 20]))
    return " ".join([*words, "wonderful" if label == "pos" else "awful"][: len(words)])


def write_table(path: Path, num_rows: int = ROWS, encoding: str = "utf-8", seed: int = 3) -> Path:
    """Write texts with separators and line breaks in quotes, and labels of which some are absent."""
    chance = random.Random(seed)
    lines = ["id,text,label,tags"]
    for i in range(num_rows):
        label = chance.choice(["pos", "neg"])
        text = text_of(chance, label).replace(" bad", ', ""bad""\nbad')
        tags = "|".join(chance.sample(["a", "b", "c"], k=chance.randrange(3)))
        lines.append(f'{i},"{text}",{"" if i % 97 == 5 else label},{tags}')
    content = ("\n".join(lines) + "\n").encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_folder(root: Path, num_texts: int = 200) -> Path:
    chance = random.Random(4)
    for part in ("train", "val", "test"):
        for i in range(num_texts if part == "train" else num_texts // 2):
            label = chance.choice(["pos", "neg"])
            place = root / part / label / f"{i}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text_of(chance, label), encoding="utf-8" if i % 3 else "cp949", errors="ignore")
    return root


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv")


def config(path: Path, **data: Any) -> dict[str, Any]:
    name = "text_folder" if path.is_dir() else "text_csv"
    return {
        "data": {"name": name, "path": str(path), "batch_size": 16, "vocabulary_size": 60, **data},
        "model": {"name": "mlp", "hidden": [4]},
        "train": {"steps": 60, "threads": 1, "device": "cpu"},
        "tensorboard": None,
    }


CODINGS: dict[str, dict[str, Any]] = {
    "multi_hot": {},
    "count": {"encode": "count", "ngrams": 2, "min_count": 2, "vocabulary_size": None},
    "rare": {"encode": "count", "max_frequency": 0.3, "stop_words": ["film"], "lowercase": False},
    "tf_idf": {"encode": "tf_idf", "sublinear_tf": True, "ngrams": [1, 2]},
    "log10": {"encode": "tf_idf", "idf": "log10", "max_frequency": 0.9},
    "characters": {"encode": "tf_idf", "analyzer": "char", "ngrams": [2, 3]},
    "hashed": {"encode": "tf_idf", "hashing": 50, "vocabulary_size": 10_000},
    "balanced": {"sampler": "balanced", "subset": 0.8, "group_pattern": "([0-9])$"},
}


@pytest.mark.parametrize("coding", CODINGS)
def test_disk_and_memory_give_the_same_run(table, tmp_path, coding):
    assert_same(config(table, **CODINGS[coding]), tmp_path)


@pytest.mark.parametrize("ends", ["start", "end"])
def test_sequences_are_the_same(table, tmp_path, ends):
    asked = config(table, encode="tokens", max_length=6, padding=ends, truncation=ends)
    layers = [{"name": "embedding", "units": 4}, {"name": "lstm", "units": 4}]
    asked["model"] = {"name": "sequential", "layers": layers}
    assert_same(asked, tmp_path)


def test_sparse_bags_are_the_same(table, tmp_path):
    asked = config(table, sparse=True, encode="tf_idf", ngrams=2)
    asked["model"] = {"name": "embedding_bag", "units": 4}
    assert_same(asked, tmp_path)


def test_several_labels_are_the_same(table, tmp_path):
    assert_same(config(table, label="tags", label_separator="|"), tmp_path)


def test_official_files_packed_and_in_another_encoding_are_the_same(tmp_path):
    paths = {
        f"{part}_path": str(write_table(tmp_path / f"{part}.csv.gz", 300, "cp949", seed))
        for seed, part in enumerate(("val", "test"))
    }
    path = write_table(tmp_path / "train.csv", encoding="utf-8")
    found = assert_same(config(path, encoding=["utf-8", "cp949"], **paths), tmp_path)
    assert "read as cp949" in found.directory.log.read_text()


def test_texts_without_quotes_or_header_are_the_same(tmp_path):
    lines = write_table(tmp_path / "a.csv").read_text().splitlines()
    path = tmp_path / "b.tsv"
    path.write_text("\n".join(f"{i}\t{line}\t{i % 2}" for i, line in enumerate(lines)))
    assert_same(config(path, quoting=False, header=False, text=1, label=2), tmp_path)


def test_a_folder_of_texts_is_the_same(tmp_path):
    folder = write_folder(tmp_path / "texts")
    found = assert_same(config(folder, encoding=["utf-8", "cp949"]), tmp_path)
    assert "files read as cp949" in found.directory.log.read_text()


def test_texts_that_would_take_too_much_go_to_disk_by_themselves(table, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: 6 * table.stat().st_size)
    found = run(config(table), tmp_path / "run")
    assert "storage: disk" in found.directory.resolved.read_text()
    assert "on disk" in found.directory.log.read_text()


def test_the_cache_is_written_once(table, tmp_path, capsys):
    first = run(config(table, storage="disk"), tmp_path / "first")
    before = {entry: entry.stat().st_ino for entry in entries()}
    second = run(config(table, storage="disk"), tmp_path / "second")
    assert {entry: entry.stat().st_ino for entry in entries()} == before
    assert weights(first.path) == weights(second.path)
    for entry in entries():
        with (entry / "values.bin").open("r+b") as file:
            file.truncate(20)
    third = run(config(table, storage="disk"), tmp_path / "third")
    assert weights(first.path) == weights(third.path)
    assert capsys.readouterr().err.count("are damaged, and are made again") == len(before)


def test_texts_are_cut_anew_by_another_version(table, tmp_path, monkeypatch):
    run(config(table, storage="disk"), tmp_path / "first")
    before = entries()
    monkeypatch.setattr("dltk.data.texts.words.unidata_version", "99.0.0")
    run(config(table, storage="disk"), tmp_path / "second")
    made = [json.loads((entry / "facts.json").read_text()) for entry in set(entries()) - set(before)]
    assert [facts["of"]["what"] for facts in made] == ["encoded texts"] * 2


def test_a_killed_run_on_disk_goes_on_to_the_same_weights(table, tmp_path):
    assert_goes_on_when_killed(config(table, storage="disk"), tmp_path)


def test_a_changed_text_is_read_anew_and_noticed_on_resume(tmp_path):
    folder = write_folder(tmp_path / "texts")
    found = run(config(folder, storage="disk", encoding=["utf-8", "cp949"]), tmp_path / "run")
    changed = next((folder / "train" / "pos").iterdir())
    changed.write_text(changed.read_text(errors="ignore") + " film")
    with pytest.raises(ResumeRefused, match="the data have changed"):
        train(None, ["train.steps=90"], RunOptions(resume=str(found.path), quiet=True))


@pytest.mark.parametrize("kind", ["table", "folder"])
def test_descriptions_are_alike(tmp_path, kind):
    path = write_table(tmp_path / "a.csv") if kind == "table" else write_folder(tmp_path / "texts")
    facts = {}
    for where in ("memory", "disk"):
        overrides = [f"data.path={path}", f"data.storage={where}", "data.encoding=[utf-8, cp949]"]
        facts[where] = describe_data("text_csv" if kind == "table" else "text_folder", overrides).facts
        facts[where]["data"].pop("storage")
    assert facts["memory"] == facts["disk"]


@pytest.mark.parametrize("kind", ["table", "lines", "folder"])
def test_answers_are_alike(table, tmp_path, monkeypatch, kind):
    found = run(config(table, encoding=["utf-8", "cp949"]), tmp_path / "run")
    more = {"table": table, "lines": tmp_path / "more.txt", "folder": tmp_path / "texts" / "test" / "pos"}[kind]
    write_folder(tmp_path / "texts")
    (tmp_path / "more.txt").write_bytes(table.read_bytes() + b"\n")
    expected = found.predict(str(more))
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: 1)
    monkeypatch.setattr("dltk.data.texts.files.refuse_without_room", lambda _: None)
    monkeypatch.setattr(finished, "PORTION", 128)
    before = len(entries())
    assert found.predict(str(more)) == expected
    monkeypatch.setattr(answering, "PORTION_BYTES", 100)
    assert found.predict(str(more)) == expected
    assert len(entries()) == before + 1
    assert {"ok", "empty"} <= {row["status"] for row in expected}
    with pytest.raises(OutOfResources, match="one file by one"):
        found.predict([str(more), str(table)])


def test_other_data_are_scored_alike(table, tmp_path, monkeypatch):
    found = run(config(table), tmp_path / "run")
    other = write_table(tmp_path / "other.csv", seed=9)
    expected = found.evaluate("", [f"data.path={other}"])
    monkeypatch.setattr(room, "MIN_BYTES", 0)
    monkeypatch.setattr(room, "available_bytes", lambda: other.stat().st_size)
    on_disk = found.evaluate("", [f"data.path={other}"])
    assert (on_disk.scores, on_disk.num_samples) == (expected.scores, expected.num_samples)


WRONG = {
    "ragged": lambda rows: [*rows[:300], "1,2", *rows[300:600], "1,2,3,4,5"],
    "quotes": lambda rows: [*rows[:300], '1,"a" b,pos,', *rows[300:]],
    "header": lambda rows: ["id,text,text,label", *rows[1:]],
    "column": lambda rows: ["id,texts,label,tags", *rows[1:]],
    "one label": lambda rows: ["id,text,label,tags", "1,a,pos,", "2,b,pos,"],
    "no rows": lambda rows: rows[:1],
    "nothing": lambda rows: [],
}


@pytest.mark.parametrize("kind", [*WRONG, "encoding", "encodings"])
def test_what_is_wrong_is_told_alike(table, tmp_path, kind):
    lines = table.read_text().splitlines()
    content = "\n".join(WRONG[kind](lines) if kind in WRONG else [*lines, "9,\udcff,pos,"])
    broken = tmp_path / "broken.csv"
    broken.write_bytes(content.encode("utf-8", "surrogateescape"))
    told = []
    for where in ("memory", "disk"):
        encoding = ["utf-8", "cp949"] if kind == "encodings" else "utf-8"
        with pytest.raises(Exception, match=r"DLTK-") as caught:
            run(config(broken, storage=where, encoding=encoding), tmp_path / where)
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_a_broken_text_of_a_folder_is_told_alike(tmp_path):
    folder = write_folder(tmp_path / "texts")
    (folder / "val" / "neg" / "x.txt").write_bytes(b"good\n\xff")
    told = []
    for where in ("memory", "disk"):
        with pytest.raises(DataError) as caught:
            run(config(folder, storage=where, encoding="cp949"), tmp_path / where)
        told.append(str(caught.value))
    assert told[0] == told[1]


def test_a_plan_of_texts_on_disk_counts_them_there(table):
    told = {where: plan(config(table, storage=where)).as_json() for where in ("memory", "disk")}
    assert told["memory"]["data"]["splits"] == told["disk"]["data"]["splits"]
    assert len(entries()) == 1


PEAK = """
import json, resource, sys
from pathlib import Path
from dltk import train
from dltk.cli.app import run
from dltk.data.packed import packing
from dltk.data.texts import columns, preparation, room, streams
from dltk.experiment import RunOptions, answering, finished
config, path, output, available, characters = sys.argv[1:]
room.MIN_BYTES, room.available_bytes, packing.BLOCK_CHARACTERS = 1 << 20, lambda: int(available), int(characters)
train(json.loads(Path(config).read_text()), (), RunOptions(Path(output), quiet=True))
assert run(["predict", output, path, "--output", output + ".jsonl"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
MUCH, LITTLE = 10**12, 10**7


def peak_bytes(path: Path, available: int, characters: int) -> int:
    """Train on texts and answer them, in a process of its own; return the most memory that it held."""
    place = path.with_name(f"{path.stem}-{available}")
    asked = place.with_suffix(".json")
    asked.write_text(json.dumps({**config(path, sparse=True), "model": {"name": "embedding_bag", "units": 4}}))
    command = [sys.executable, "-c", PEAK, str(asked), str(path), str(place), str(available), str(characters)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert place.with_suffix(".jsonl").read_bytes().count(b"\n") == path.read_bytes().count(b"\n") - 1
    return int(done.stdout.split()[-1]) * 1024


def write_long_table(path: Path, num_rows: int, num_words: int) -> Path:
    """Write long texts of words that come again and again."""
    chance = random.Random(6)
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for i in range(num_rows):
            words = [*chance.choices(WORDS, k=20), "wonderful" if i % 2 else "awful"] * (num_words // 21)
            file.write(f"{' '.join(words)},{'pos' if i % 2 else 'neg'}\n")
    return path


def peak_of_objects(path: Path, where: Storage) -> int:
    """Read, fit, describe and code texts; return the most memory that Python's objects, such as texts, took."""
    options = text_csv.Config.parse({"path": str(path), "sparse": True})
    tracemalloc.start()
    try:
        with reading_to(where):
            samples = text_csv.read(options).parts["train"]
        fitted = text_csv.prepare(options, samples)
        fitted.statuses(samples)
        fitted.parse(samples, Loading(16)).digest()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_block_of_texts_is_held_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_PIECE_CHARACTERS", 10_000)
    monkeypatch.setattr(streams, "CHUNK_BYTES", 10_000)
    path = write_long_table(tmp_path / "a.csv", 1200, 105)
    on_disk, in_memory = (peak_of_objects(path, where) for where in ("disk", "memory"))
    assert on_disk < in_memory / 4, (on_disk, in_memory)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss has another unit")
def test_training_and_answering_on_disk_takes_a_fraction_of_the_memory(tmp_path):
    path, few = write_long_table(tmp_path / "a.csv", 600, 5000), write_long_table(tmp_path / "few.csv", 100, 21)
    base = peak_bytes(few, MUCH, 1 << 20)
    on_disk, in_memory = (peak_bytes(path, available, 1 << 20) - base for available in (LITTLE, MUCH))
    assert on_disk < in_memory / 2, (on_disk, in_memory)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss has another unit")
def test_long_texts_on_disk_take_the_memory_of_some_blocks(tmp_path):
    """It takes a minute or two; in memory, texts take several times their file."""
    path, few = write_long_table(tmp_path / "a.csv", 4000, 9000), write_long_table(tmp_path / "few.csv", 100, 21)
    base, on_disk = peak_bytes(few, MUCH, packing.BLOCK_CHARACTERS), peak_bytes(path, LITTLE, packing.BLOCK_CHARACTERS)
    assert path.stat().st_size > 12 * packing.BLOCK_CHARACTERS
    assert on_disk - base < 20 * packing.BLOCK_CHARACTERS, (on_disk, base)
