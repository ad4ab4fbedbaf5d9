"""Kernels follow a rule over facts, multiply as exactly as the usual ones, and stay with a run."""

import json

import pytest
import torch

from dltk.config.errors import ConfigError, ResumeRefused
from dltk.config.sections import TrainOptions
from dltk.experiment import RunOptions, kernels
from dltk.experiment.kernels import (
    MATH,
    MOST_SCORES,
    ONEDNN,
    SMALLEST_MEAN_PRODUCT,
    Kernels,
    chosen,
    foreseen_kernels,
    multiplies_exactly,
)
from dltk.experiment.machine import Machine, differences, environment_of
from dltk.experiment.processor import AMD, Processor
from dltk.experiment.running import train
from dltk.training.work import Work
from tests.commands import record, weights
from tests.unit.experiment.test_running import stopped

ZEN5 = Processor(AMD, 26, 2, frozenset({"avx512f", "avx512_bf16"}))
ZEN4 = Processor(AMD, 25, 17, frozenset({"avx512f", "avx512_bf16"}))
SAPPHIRE = Processor("GenuineIntel", 6, 143, frozenset({"avx512_bf16", "amx_bf16", "amx_tile"}))
LARGE = Work(products=4, multiply_adds=4 * SMALLEST_MEAN_PRODUCT)
SMALL = Work(products=5, multiply_adds=4 * SMALLEST_MEAN_PRODUCT)
ATTENDING = Work(products=4, multiply_adds=4 * SMALLEST_MEAN_PRODUCT, scores=1000)
FAR = Work(products=4, multiply_adds=4 * SMALLEST_MEAN_PRODUCT, scores=MOST_SCORES + 1)
CPU = torch.device("cpu")
needs_exactness = pytest.mark.skipif(not multiplies_exactly(), reason="oneDNN shortens float32 here")


@pytest.fixture(autouse=True)
def usual_kernels():
    yield
    Kernels().put_in_place()


@needs_exactness
@pytest.mark.parametrize(
    ("processor", "work", "expected"),
    [
        (ZEN5, LARGE, Kernels(ONEDNN)),
        (ZEN5, ATTENDING, Kernels(ONEDNN, MATH)),
        (ZEN5, SMALL, Kernels()),
        (ZEN5, FAR, Kernels()),
        (ZEN4, LARGE, Kernels()),
        (SAPPHIRE, ATTENDING, Kernels()),
        (Processor(), ATTENDING, Kernels()),
    ],
)
def test_the_rule_for_float32(processor, work, expected):
    assert chosen(processor, is_half=False, work=lambda: work) == expected


@pytest.mark.parametrize(
    ("processor", "work", "expected"),
    [
        (ZEN4, ATTENDING, Kernels(attention=MATH)),
        (ZEN4, LARGE, Kernels()),
        (ZEN4, FAR, Kernels()),
        (Processor(), ATTENDING, Kernels()),
    ],
)
def test_the_rule_for_sixteen_bits(processor, work, expected):
    assert chosen(processor, is_half=True, work=lambda: work) == expected


@pytest.mark.parametrize(
    ("processor", "precision", "expected"),
    [(ZEN5, "fp32", None), (ZEN4, "fp32", Kernels()), (ZEN5, "bf16", None), (SAPPHIRE, "fp32", Kernels())],
)
def test_what_no_pass_has_to_tell_is_known_before(monkeypatch, processor, precision, expected):
    monkeypatch.setattr(kernels, "this_processor", lambda: processor)
    monkeypatch.setattr(kernels, "multiplies_exactly", lambda: True)
    options = TrainOptions(precision=precision)
    assert foreseen_kernels(options, torch.device("cpu"), torch.nn.Identity()) == expected
    assert foreseen_kernels(TrainOptions(kernels="usual"), torch.device("cpu"), torch.nn.Identity()) == Kernels()
    assert foreseen_kernels(options, torch.device("cuda"), None) == Kernels()


def test_work_is_watched_only_where_it_decides():
    assert chosen(ZEN4, is_half=False, work=lambda: pytest.fail("watched")) == Kernels()


@needs_exactness
@pytest.mark.parametrize("sizes", [(16, 64, 64), (128, 784, 512), (512, 128, 384), (64, 5000, 16), (128, 2048, 256)])
@pytest.mark.parametrize("spread", [1.0, 1e-20, 1e15])
def test_products_stay_within_float32(sizes, spread):
    rows, inner, columns = sizes
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(rows, inner, generator=generator) * spread
    right = torch.randn(inner, columns, generator=generator)
    exact = left.double() @ right.double()
    Kernels(ONEDNN).put_in_place()
    error = ((left @ right).double() - exact).norm() / exact.norm()
    assert error < 2e-6  # a format of 16 bits is off by 2e-3


def test_putting_them_in_place_leaves_nothing_of_others():
    Kernels(ONEDNN, MATH).put_in_place()
    assert torch.get_float32_matmul_precision() == "medium"
    assert not torch.backends.cuda.flash_sdp_enabled()
    Kernels().put_in_place()
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.backends.cuda.flash_sdp_enabled()


def test_a_run_from_before_had_the_usual_ones():
    assert Kernels.recorded({"threads": 2}) == Kernels()
    assert Kernels.recorded({"kernels": {"matmul": ONEDNN, "attention": MATH}}) == Kernels(ONEDNN, MATH)


def test_what_cannot_be_had_elsewhere_is_a_difference():
    recorded = environment_of(Machine(CPU, 1, kernels=Kernels(ONEDNN, MATH)))
    assert differences(recorded, Machine(CPU, 1, kernels=Kernels(ONEDNN, MATH))) == []
    found = differences(recorded, Machine(CPU, 1))
    assert found == ["matmul was onednn, is usual", "attention was math, is usual"]
    assert Kernels(ONEDNN, MATH).possible(torch.device("cuda")) == Kernels()


def test_facts_of_a_processor_are_read(tmp_path):
    text = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\nflags\t\t: fpu avx512_bf16\n\n"
    processor = Processor.told(text + text.replace("26", "25"))
    assert processor == Processor(AMD, 26, 2, frozenset({"fpu", "avx512_bf16"}))
    assert processor.has_slow_products
    assert str(processor) == "AuthenticAMD family 26 model 2"
    assert str(Processor.told("Features : fp asimd\n")) == ""


WIDE = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {"name": "mlp", "hidden": [1024, 1024]},
    "train": {"epochs": 2, "threads": 1, "device": "cpu"},
    "tensorboard": None,
}


@needs_exactness
def test_a_run_says_records_and_keeps_them(folder, monkeypatch, capsys):
    monkeypatch.setattr(kernels, "this_processor", lambda: ZEN5)
    whole = train(WIDE, (), RunOptions(folder / "whole"))
    assert "kernels: matmul onednn" in capsys.readouterr().err
    environment = json.loads((whole.path / "environment.json").read_text())
    assert environment["kernels"] == {"matmul": "onednn", "attention": "usual", "pooling": "usual", "step": "usual"}
    stopped(WIDE, RunOptions(folder / "stopped", quiet=True))
    monkeypatch.setattr(kernels, "this_processor", Processor)
    train(options=RunOptions(resume=str(folder / "stopped"), quiet=True))
    last = max(weights(whole.path))
    assert weights(folder / "stopped")[last] == weights(whole.path)[last]
    assert record(folder / "stopped") == record(whole.path)
    scores = {name: score for name, score in whole.scores.items() if name.startswith("test/")}
    assert dict(whole.evaluate("test").scores) == scores


def test_the_usual_ones_can_be_asked_for(folder, monkeypatch):
    monkeypatch.setattr(kernels, "this_processor", lambda: ZEN5)
    run = train(WIDE, {"train.kernels": "usual", "train.epochs": 1}, RunOptions(folder / "run", quiet=True))
    assert json.loads((run.path / "environment.json").read_text())["kernels"]["matmul"] == "usual"
    with pytest.raises(ResumeRefused, match=r"train\.kernels"):
        train(run.path / "config.yaml", {"train.epochs": 3}, RunOptions(folder / "run", resume="auto", quiet=True))
    with pytest.raises(ConfigError, match=r"train\.kernels"):
        train(WIDE, {"train.kernels": "usua"}, RunOptions(folder / "other", quiet=True))
