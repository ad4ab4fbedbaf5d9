"""Pools are in one with their convolutions by a rule over facts, which a run prints, records and keeps."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from dltk.config.sections import TrainOptions
from dltk.data.specs import Image
from dltk.experiment import RunOptions, kernels
from dltk.experiment.kernels import FOLDED, USUAL, Kernels, foreseen_kernels, pooling_for
from dltk.experiment.machine import Machine, differences, environment_of
from dltk.experiment.processor import Processor
from dltk.experiment.running import train
from dltk.models.lenet import Config, LeNet
from tests.commands import record, weights

WIDE = Processor("GenuineIntel", 6, 85, frozenset({"avx512f"}))
NARROW = Processor("AuthenticAMD", 23, 49, frozenset({"avx2"}))
CPU = torch.device("cpu")
LENET = LeNet(Image(1, 28, 28), 10, Config())
COUNTS = {"train": 70, "t10k": 30}


@pytest.fixture(autouse=True)
def usual_kernels():
    yield
    Kernels().put_in_place()


@pytest.mark.parametrize(
    ("processor", "model", "is_half", "expected"),
    [
        (WIDE, LENET, False, FOLDED),
        (WIDE, LENET, True, USUAL),
        (NARROW, LENET, False, USUAL),
        (WIDE, LeNet(Image(4, 32, 32), 10, Config()), False, USUAL),
        (WIDE, nn.Linear(2, 3), False, USUAL),
        (WIDE, None, False, USUAL),
    ],
)
def test_the_rule(processor, model, is_half, expected):
    assert pooling_for(processor, model, is_half=is_half) == expected


def test_a_plan_knows_it_where_the_model_is_known(monkeypatch):
    monkeypatch.setattr(kernels, "this_processor", lambda: WIDE)
    assert foreseen_kernels(TrainOptions(), CPU, LENET) == Kernels(pooling=FOLDED)
    assert foreseen_kernels(TrainOptions(), CPU, None) is None
    assert foreseen_kernels(TrainOptions(compile="on"), CPU, LENET) == Kernels()
    assert foreseen_kernels(TrainOptions(kernels="usual"), CPU, LENET) == Kernels()
    assert foreseen_kernels(TrainOptions(), torch.device("cuda"), LENET) == Kernels()


def test_a_run_with_other_pools_is_another_run():
    recorded = environment_of(Machine(CPU, 1, kernels=Kernels(pooling=FOLDED)))
    assert differences(recorded, Machine(CPU, 1, kernels=Kernels(pooling=FOLDED))) == []
    assert differences(recorded, Machine(CPU, 1)) == ["pooling was folded, is usual"]
    assert Kernels.recorded({"kernels": {"matmul": USUAL}}) == Kernels()
    assert Kernels.recorded(recorded) == Kernels(pooling=FOLDED)


@pytest.fixture
def grey(folder: Path) -> dict[str, Any]:
    """Return a run on a few noisy images of 28x28 pixels, in batches that are large enough."""
    data = folder / "data" / "mnist"
    data.mkdir(parents=True)
    noise = random.Random(0)
    for prefix, count in COUNTS.items():
        pixels = noise.randbytes(count * 784)
        (data / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, count, 28, 28) + pixels)
        labels = bytes(i % 10 for i in range(count))
        (data / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels)
    return {
        "data": {"name": "mnist", "root": str(folder / "data"), "batch_size": 25, "val_fraction": 0},
        "model": {"name": "lenet"},
        "train": {"epochs": 4, "threads": 1, "device": "cpu"},
        "tensorboard": None,
    }


def test_a_run_says_records_and_keeps_them(grey, folder, monkeypatch, capsys):
    monkeypatch.setattr(kernels, "this_processor", lambda: WIDE)
    whole = train(grey, (), RunOptions(folder / "whole"))
    assert "kernels: pooling folded" in capsys.readouterr().err
    assert json.loads((whole.path / "environment.json").read_text())["kernels"]["pooling"] == "folded"
    train(grey, {"train.epochs": 2}, RunOptions(folder / "parts", quiet=True))
    monkeypatch.setattr(kernels, "this_processor", lambda: NARROW)
    train(grey, (), RunOptions(folder / "parts", resume="auto", quiet=True))
    last = max(weights(whole.path))
    assert weights(folder / "parts")[last] == weights(whole.path)[last]
    assert record(folder / "parts") == record(whole.path)
    assert dict(whole.evaluate("test").scores) == {
        name: score for name, score in whole.scores.items() if name.startswith("test/")
    }


def test_it_learns_what_one_after_the_other_learns(grey, folder, monkeypatch):
    monkeypatch.setattr(kernels, "this_processor", lambda: WIDE)
    folded = train(grey, (), RunOptions(folder / "folded", quiet=True))
    usual = train(grey, {"train.kernels": "usual"}, RunOptions(folder / "usual", quiet=True))
    losses = [[row["train/loss"] for row in record(run.path)] for run in (folded, usual)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert json.loads((usual.path / "environment.json").read_text())["kernels"]["pooling"] == "usual"
