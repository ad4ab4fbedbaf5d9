"""Nothing leaks from the rows that are kept aside, and every input is answered: in order, alike in any company."""

import csv
import json
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from dltk.experiment import Run, RunOptions, train
from tests.commands import QUIET
from tests.threads import one_thread

__all__ = ["one_thread"]
COLUMNS = ("a", "b", "colour", "y")
BASICS = "train: {epochs: 2, threads: 1, select: last}\n" + QUIET
TABLE = (
    "data: {name: csv, path: train.csv, target: y, target_kind: KIND, batch_size: 16, OPTIONS}\n"
    "model: {name: mlp, hidden: [8], batch_norm: true, dropout: 0.2}\n" + BASICS
)
PHOTOS = "data: {name: image_folder, path: photos, size: 8}\nmodel: {name: cnn}\n" + BASICS
TEXTS = "data: {name: text_csv, path: texts.csv, encode: ENCODE}\nmodel: {name: mlp, hidden: [8]}\n" + BASICS
BOUNDED: Any = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}
TABLE_STATUSES = {"ok", "missing", "unknown_category", "invalid"}
TEXT_STATUSES = {"ok", "empty", "unknown_words"}
Row = Sequence[str]


def rows_of(count: int, seed: int, kind: str = "classes") -> list[Row]:
    chance = random.Random(seed)
    found: list[Row] = []
    for _ in range(count):
        a, b, colour = chance.random(), chance.gauss(3, 2), chance.choice(["red", "blue", "green"])
        y = ("big" if a * 4 + b > 5 else "small") if kind == "classes" else f"{a * 4 + b:.3f}"
        found.append([f"{a:.3f}", f"{b:.3f}", colour, y])
    return found


def write(path: Path, rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return path


def what_was_learned(folder: Path, text: str) -> dict[str, bytes]:
    """Train; return the last weights and everything that was fitted, and nothing of what was scored."""
    (folder / "config.yaml").write_text(text)
    run = train(folder / "config.yaml", options=RunOptions(output_dir=folder / "run", quiet=True))
    fitted = {path.name: path.read_bytes() for path in (run.path / "preparation").iterdir()}
    del fitted["manifest.json"]  # which has the digests of all samples
    weights = {name: value.numpy().tobytes() for name, value in run.model.state_dict().items()}
    shutil.rmtree(folder / "run")
    return {**fitted, "weights": b"".join(name.encode() + content for name, content in sorted(weights.items()))}


# Invariant I9: nothing leaks.

number = st.floats(-1e6, 1e6).map(lambda value: f"{value:.6g}")
feature_rows = st.tuples(number | st.just(""), number, st.sampled_from(["red", "violet", "", "NA", "0"]))


@settings(max_examples=4, **BOUNDED)
@given(others=st.lists(st.tuples(feature_rows, st.sampled_from(["big", "small"])), min_size=8, max_size=30))
def test_other_val_and_test_files_change_nothing_that_is_learned(tmp_path, others):
    config = TABLE.replace("KIND", "classes").replace("OPTIONS", "val_path: val.csv, test_path: test.csv")
    write(tmp_path / "train.csv", rows_of(60, 0))
    learned = []
    for kept_aside in (rows_of(20, 1), [[*features, label] for features, label in others]):
        for name in ("val.csv", "test.csv"):
            write(tmp_path / name, kept_aside)
        learned.append(what_was_learned(tmp_path, config))
    assert learned[0] == learned[1]


@settings(max_examples=3, **BOUNDED)
@given(data=st.data())
def test_other_values_in_rows_that_are_set_aside_change_nothing_that_is_learned(tmp_path, data):
    config = TABLE.replace("KIND", "numbers").replace("OPTIONS", "val_fraction: 0.2, test_fraction: 0.2")
    rows = rows_of(80, 0, "numbers")
    write(tmp_path / "train.csv", rows)
    (tmp_path / "config.yaml").write_text(config)
    run = train(tmp_path / "config.yaml", ["train.epochs=0"], RunOptions(output_dir=tmp_path / "first", quiet=True))
    aside = {int(name.split()[-1]) - 1 for split in ("val", "test") for name in names_in(run, split)}
    shutil.rmtree(tmp_path / "first")
    assert 25 < len(aside) < 32  # a fifth for test, a fifth of the rest for val
    before = what_was_learned(tmp_path, config)
    drawn = data.draw(st.lists(st.tuples(feature_rows, number), min_size=len(aside), max_size=len(aside)))
    for i, (features, y) in zip(sorted(aside), drawn, strict=True):
        rows[i] = [*features, y]
    write(tmp_path / "train.csv", rows)
    assert what_was_learned(tmp_path, config) == before


def names_in(run: Run, split: str) -> Sequence[str]:
    from dltk.data.splits import split_parts

    data = run.experiment.data
    parts, _ = split_parts(data.file.read(data.options), data.common)
    names: Sequence[str] = parts[split].names
    return names


def test_a_row_of_the_training_split_does_change_what_is_learned(tmp_path):
    """Without this, the two tests above could pass by comparing nothing."""
    config = TABLE.replace("KIND", "numbers").replace("OPTIONS", "val_fraction: 0, test_fraction: 0")
    rows = rows_of(80, 0, "numbers")
    write(tmp_path / "train.csv", rows)
    before = what_was_learned(tmp_path, config)
    rows[7] = ["0.5", "0.5", "red", "9"]
    write(tmp_path / "train.csv", rows)
    after = what_was_learned(tmp_path, config)
    assert [name for name in before if before[name] == after[name]] == []


# Invariants I9c and I10: answers.


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Return trained runs on a table, on texts and on photographs."""
    folder = tmp_path_factory.mktemp("trained")
    write(folder / "train.csv", rows_of(60, 0))
    labelled = [[f"{'good fine nice' if i % 2 else 'bad sad poor'} word{i % 7}", str(i % 2)] for i in range(40)]
    write(folder / "texts.csv", labelled, ("text", "label"))
    for i in range(30):
        place = folder / "photos" / "ab"[i % 2] / f"{i}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (9, 8), (255 * (i % 2), 7 * i, 0)).save(place)
    configs = {
        "table": TABLE.replace("KIND", "classes").replace(", OPTIONS", ""),
        "texts": TEXTS.replace("ENCODE", "tf_idf"),
        "photos": PHOTOS,
    }
    found = {}
    for name, text in configs.items():
        (folder / f"{name}.yaml").write_text(text)
        found[name] = train(folder / f"{name}.yaml", options=RunOptions(output_dir=folder / "runs" / name, quiet=True))
    return found


def numbers_of(answer: dict[str, Any]) -> list[float]:
    return [value for value in answer.values() if isinstance(value, float)]


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["label"] == other["label"] and np.allclose(numbers_of(one), numbers_of(other), atol=1e-5)


def table_inputs(folder: Path) -> Callable[[Sequence[int]], list[str]]:
    rows = [row[:3] for row in rows_of(40, 5)]
    return lambda order: [str(write(folder / "own.csv", [rows[i] for i in order], COLUMNS[:3]))]


def text_inputs(folder: Path) -> Callable[[Sequence[int]], list[str]]:
    texts = [f"good nice word{i}" if i % 3 else f"bad {'sad ' * i}" for i in range(40)]

    def written(order: Sequence[int]) -> list[str]:
        (folder / "own.txt").write_text("".join(f"{texts[i]}\n" for i in order), encoding="utf-8")
        return [str(folder / "own.txt")]

    return written


def photo_inputs(folder: Path) -> Callable[[Sequence[int]], list[str]]:
    chance = np.random.default_rng(0)
    for i in range(40):
        PIL.Image.fromarray(chance.integers(0, 256, (9 + i % 3, 8, 3), np.uint8)).save(folder / f"{i}.png")
    return lambda order: [str(folder / f"{i}.png") for i in order]


@pytest.mark.parametrize(
    ("kind", "inputs"), [("table", table_inputs), ("texts", text_inputs), ("photos", photo_inputs)]
)
@settings(max_examples=8, **BOUNDED)
@given(order=st.lists(st.integers(0, 39), min_size=1, max_size=60))
def test_an_answer_does_not_depend_on_its_company(runs, tmp_path_factory, kind, inputs, order):
    written = inputs(tmp_path_factory.mktemp("own"))
    alone = runs[kind].predict(written(range(40)))
    together = runs[kind].predict(written(order))
    assert len(together) == len(order)
    assert all(alike(answer, alone[i]) for answer, i in zip(together, order, strict=True))


def refuse_undefined(answers: Sequence[dict[str, Any]]) -> None:
    undefined = [answer for answer in answers if not np.isfinite(numbers_of(answer)).all()]
    assert undefined == []
    assert all("label" in answer for answer in answers if answer["status"] != "invalid")


cells = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12),
    st.sampled_from(
        ["", "NA", "?", "nan", "inf", "1e400", "3e38", "-3e38", "1e-320", "=1+1", "0x10", "\u0661", "9" * 5000]
    ),
    st.floats(width=32).map(str),
)


@settings(max_examples=40, **BOUNDED)
@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12))
@example(rows=[("3e38", "-3e38", "red"), ("0.5", "1", "red")])
@example(rows=[("9" * 5000, "1", "red"), ("1e400", "", "\u202eder")])
def test_every_row_of_any_table_is_answered_in_order(runs, tmp_path_factory, rows):
    numbered = [[str(i), *row] for i, row in enumerate(rows)]
    path = write(tmp_path_factory.mktemp("own") / "own.csv", numbered, ("i", "a", "b", "colour"))
    answers = runs["table"].predict([str(path)])
    assert [answer["input"] for answer in answers] == [f"row {i}" for i in range(1, len(rows) + 1)]
    assert {answer["status"] for answer in answers} <= TABLE_STATUSES
    refuse_undefined(answers)


NASTY = {
    "empty": "",
    "spaces": "   \t  ",
    "emoji": "good 👍🏽 👨‍👩‍👧‍👦 🇰🇷",
    "right to left": "\u202egood\u202c مرحبا שלום",
    "a NUL": "good\0bad",
    "control characters": "good \x1b[2J \x07 \x85 \u2028 bad",
    "combining": "g" + "o\u0301" * 500,
    "zero width": "go\u200bod \ufeff nice",
    "markup": "<br />" * 2000 + "good",
    "a formula": '=HYPERLINK("http://a")',
    "one long word": "good" * 5000,
    "quotes": '"good", ""nice"" \'',
}


def test_every_nasty_text_is_answered_in_order(runs, tmp_path):
    (tmp_path / "own.txt").write_bytes("".join(f"{text}\n" for text in NASTY.values()).encode())
    answers = runs["texts"].predict([str(tmp_path / "own.txt")])
    assert [answer["input"] for answer in answers] == [f"own.txt:{i}" for i in range(1, len(NASTY) + 1)]
    assert {answer["status"] for answer in answers} <= TEXT_STATUSES
    assert [answers[i]["status"] for i in range(2)] == ["empty", "empty"]
    refuse_undefined(answers)


@pytest.mark.slow
def test_a_line_of_ten_megabytes_costs_ten_times_one_of_one(runs, tmp_path):
    def seconds_for(megabytes: int) -> float:
        (tmp_path / "own.txt").write_text("good bad " * (megabytes * 111_112))
        begun = time.process_time()
        (answer,) = runs["texts"].predict([str(tmp_path / "own.txt")])
        assert answer["status"] == "ok"
        return time.process_time() - begun

    seconds_for(1)
    assert seconds_for(10) < 20 * max(seconds_for(1), 0.05)


def test_every_file_of_a_folder_is_answered_in_order(runs, tmp_path):
    for i in range(6):
        PIL.Image.new("RGB", (8, 8), (40 * i, 0, 0)).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"")
    (tmp_path / "4.png").write_bytes((tmp_path / "5.png").read_bytes()[:40])
    answers = runs["photos"].predict([str(tmp_path)])
    assert [Path(answer["input"]).name for answer in answers] == [f"{i}.png" for i in range(6)]
    assert [answer["status"] for answer in answers] == ["ok", "ok", "ok", "invalid", "invalid", "ok"]
    assert json.loads(json.dumps(answers)) == answers
    refuse_undefined(answers)
