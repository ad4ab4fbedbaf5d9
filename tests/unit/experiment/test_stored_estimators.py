"""Models that are fitted without gradients meet samples that lie on disk block by block, with the bits of memory."""

import random
from pathlib import Path
from typing import Any

import pytest

from dltk import train
from dltk.config.errors import ConfigError
from dltk.data import blocks
from dltk.data.packed import packing
from dltk.data.texts import preparation
from dltk.experiment import RunOptions
from tests.stored_runs import assert_same, run

ROWS = 25_000
"""So many that the rows of a table are encoded on disk."""
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "logistic": ({"name": "logistic"}, {"target": "kind"}),
    "classes": ({"name": "logistic", "C": 0.1}, {"target": "size"}),
    "naive_bayes": ({"name": "naive_bayes", "distribution": "bernoulli"}, {"target": "size"}),
    "balanced": ({"name": "naive_bayes", "distribution": "bernoulli"}, {"target": "size", "sampler": "balanced"}),
    "ridge": ({"name": "ridge"}, {"target": "b"}),
}
TEXT_MODELS: dict[str, dict[str, Any]] = {
    "logistic": {"name": "logistic"},
    "log_count_ratio": {"name": "logistic", "weighting": "log_count_ratio"},
    "naive_bayes": {"name": "naive_bayes"},
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dltk.nn.linear_classes.KEPT_BYTES", 0)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance, lines = random.Random(3), ["a,b,kind,size"]
    for _ in range(ROWS):
        a, b = chance.gauss(0, 1), chance.gauss(5, 2)
        kind, size = a + chance.gauss(0, 0.5) > 0, min(2, max(0, round(a + 1)))
        lines.append(f"{a:.4f},{b + a:.4f},{'yes' if kind else 'no'},{'SML'[size]}")
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance, lines = random.Random(3), ["text,label"]
    for _ in range(2000):
        label = chance.choice(["pos", "neg"])
        words = [f"w{chance.randrange(300)}" for _ in range(9)] + [chance.choice(["good", label])]
        lines.append(f"{' '.join(words)},{label}")
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    path.write_text("\n".join(lines))
    return path


def config(model: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {"data": data, "model": model, "train": {"threads": 1, "device": "cpu"}, "tensorboard": None}


@pytest.mark.parametrize("name", MODELS)
def test_tables_on_disk_and_in_memory_give_the_same_run(table, tmp_path, name):
    model, data = MODELS[name]
    others = [column for column in ("kind", "size") if column != data["target"]]
    assert_same(config(model, {"name": "csv", "path": str(table), "drop": others, **data}), tmp_path)


@pytest.mark.parametrize("name", TEXT_MODELS)
def test_texts_on_disk_and_in_memory_give_the_same_run(texts, tmp_path, monkeypatch, name):
    monkeypatch.setattr(packing, "BLOCK_ROWS", 64)
    monkeypatch.setattr(preparation, "BLOCK_ROWS", 128)
    monkeypatch.setattr(blocks, "MIN_SAMPLES", 300)
    data = {"name": "text_csv", "path": str(texts), "text": "text", "label": "label", "sparse": True}
    found = assert_same(config(TEXT_MODELS[name], data), tmp_path)
    assert found.scores["test/accuracy"] > 0.6


def test_a_model_that_keeps_its_samples_needs_them_in_memory(table, tmp_path):
    data = {"name": "csv", "path": str(table), "target": "kind", "storage": "disk"}
    with pytest.raises(ConfigError, match=r"data\.storage: knn keeps all training samples, in memory; choose fewer"):
        train(config({"name": "knn"}, data), (), RunOptions(output_dir=tmp_path / "run", quiet=True))


def test_the_order_does_not_depend_on_the_seed(table, tmp_path):
    data = {"name": "csv", "path": str(table), "target": "b", "split_seed": 0}
    one, other = (run({**config({"name": "ridge"}, data), "seed": seed}, tmp_path / str(seed)) for seed in (0, 1))
    assert one.scores == other.scores
