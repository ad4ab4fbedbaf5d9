"""The same bits twice where that is asked for: what torch is told, what is said, and what cannot be had."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dltk.config import registry
from dltk.config.errors import ConfigError
from dltk.config.sections import TrainOptions
from dltk.experiment.config import read_experiment
from dltk.experiment.determinism import FIXED_SIZES, WORKSPACE, ask_for_same_bits, told_of_bits, with_same_bits
from dltk.experiment.running import RunOptions, check, train
from dltk.training.saving.storage import read_tree
from tests.commands import Commands, record

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
ASKED, OPEN = TrainOptions(deterministic=True), TrainOptions()
CONFIG: dict[str, Any] = {
    "data": {"name": "digits", "batch_size": 64, "subset": 512},
    "model": {"name": "cnn", "layers": [4, "pool", 8]},
    "train": {"epochs": 1, "threads": 1, "deterministic": True},
    "tensorboard": None,
}


@pytest.fixture(autouse=True)
def any_kernel(monkeypatch):
    monkeypatch.delenv(WORKSPACE, raising=False)
    yield
    torch.use_deterministic_algorithms(False)


def overlapping():
    """Write two values to one place, of which torch does not say which one stays: not even on the CPU."""
    torch.zeros(4).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))


def test_cuda_gets_such_kernels_only_where_that_is_asked_for():
    for options, device, wanted in [(ASKED, CUDA, True), (OPEN, CUDA, False), (ASKED, CUDA, True), (ASKED, CPU, False)]:
        ask_for_same_bits(options, device)
        assert torch.are_deterministic_algorithms_enabled() == wanted


def test_the_workspace_of_matrix_products_is_of_a_fixed_size_unless_one_is_chosen(monkeypatch):
    ask_for_same_bits(OPEN, CUDA)
    ask_for_same_bits(ASKED, CPU)
    assert WORKSPACE not in os.environ
    for given, kept in [(":0:0", FIXED_SIZES[0]), (FIXED_SIZES[1], FIXED_SIZES[1])]:
        monkeypatch.setenv(WORKSPACE, given)
        ask_for_same_bits(ASKED, CUDA)
        assert os.environ[WORKSPACE] == kept


def test_a_run_says_whether_its_bits_are_the_same_each_time_and_what_that_costs():
    assert told_of_bits(ASKED, CUDA) == [
        "train.deterministic: the same bits from run to run, by kernels that are slower than others"
    ]
    assert "train.deterministic=true keeps them, and is slower" in told_of_bits(OPEN, CUDA)[0]
    assert told_of_bits(ASKED, CPU) == ["train.deterministic: the CPU gives the same bits in any case"]
    assert told_of_bits(OPEN, CPU) == []


def test_an_operation_that_cannot_keep_its_bits_is_named_as_a_problem_of_the_option(tmp_path):
    source = tmp_path / "iris.yaml"
    source.write_text("data: {name: iris}\nmodel: {name: linear}\ntrain:\n  deterministic: true\n")
    ask_for_same_bits(ASKED, CUDA)
    with pytest.raises(ConfigError) as caught, with_same_bits(read_experiment(source)):
        overlapping()
    (problem,) = caught.value.problems
    assert caught.value.code == 2
    assert problem.key == "train.deterministic"
    assert problem.position is not None
    assert problem.as_json()["line"] == 4
    assert problem.message.startswith("put_ has no kernel on this device that gives the same bits twice; ")


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"), with_same_bits(read_experiment(CONFIG)):
        raise RuntimeError("shapes do not fit")


def test_the_option_is_said_recorded_and_fixed_on_the_cpu(tmp_path, capsys):
    config = {**CONFIG, "train": {**CONFIG["train"], "device": "cpu"}}
    train(config, options=RunOptions(tmp_path / "run"))
    assert "train.deterministic: the CPU gives the same bits in any case\n" in capsys.readouterr().err
    assert "  deterministic: true\n" in (tmp_path / "run" / "resolved.yaml").read_text()
    assert check(config)["config"]["train"]["deterministic"] is True


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_two_runs_on_cuda_have_the_same_bits(tmp_path):
    for name in ("one", "two"):
        train(CONFIG, options=RunOptions(tmp_path / name, quiet=True))
    assert record(tmp_path / "one") == record(tmp_path / "two")
    (newest,) = {path.name for path in (tmp_path / "one" / "checkpoints").iterdir() if (path / "state.json").exists()}
    one, two = (read_tree(tmp_path / name / "checkpoints" / newest, "model") for name in ("one", "two"))
    torch.testing.assert_close(one, two, rtol=0, atol=0)


POOLED = '''"""A model whose pooling has no such kernel on CUDA for its gradient, which the convolution needs."""
from torch import nn
from dltk.models import linear

Config = linear.Config

def build(config, spec, preparation):
    return nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(9, 10))
'''


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_an_operation_without_a_kernel_is_refused_on_cuda_before_a_run_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    Path("pooled.py").write_text(POOLED)
    Path("digits.yaml").write_text(yaml.safe_dump({**CONFIG, "model": {"name": "pooled"}}))
    answer = Commands(capsys)("train", "digits.yaml", "--plugin", "pooled.py", "--output-dir", "run")
    assert answer.code == 2
    assert "train.deterministic: adaptive_avg_pool2d" in answer.err
    assert not Path("run").exists()
