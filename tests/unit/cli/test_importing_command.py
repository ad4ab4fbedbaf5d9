"""`dltk import`: its arguments, and what it says of weights that are none."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.commands import Commands


@pytest.fixture
def weights(dltk: Commands, folder: Path) -> Path:
    """Return weights of the model in iris.yaml, saved by torch."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3)).state_dict()
    names = {"0": "layers.0", "2": "out"}
    path = folder / "weights.pth"
    torch.save({f"{names[name[0]]}{name[1:]}": tensor for name, tensor in layers.items()}, path)
    return path


def test_a_run_is_made_that_can_be_scored(dltk, weights):
    arguments = ("import", weights, "iris.yaml", "--rename", "out=head", "--output-dir", "run")
    made = dltk.ok(*arguments, "--json").json
    assert made["status"] == "completed"
    assert made["scores"]["test/accuracy"] == dltk.ok("eval", "run", "--json").json["scores"]["test/accuracy"]


def test_it_ends_like_a_training(dltk, weights):
    answer = dltk.ok("import", weights, "iris.yaml", "--by-order", "--output-dir", "run")
    assert "dltk eval run" in answer.out
    assert "weights: 4 tensors of 'weights.pth'" in answer.err


def test_overrides_hold(dltk, weights):
    answer = dltk.ok("import", weights, "iris.yaml", "train.test=false", "--by-order", "--output-dir", "run", "--json")
    assert not [name for name in answer.json["scores"] if name.startswith("test/")]


def test_names_that_do_not_fit_are_listed(dltk, weights):
    answer = dltk("import", weights, "iris.yaml")
    assert answer.code == 65
    assert "missing head.weight (3, 4); missing head.bias (3,); unexpected out.weight (3, 4)" in answer.err
    assert "--rename OLD=NEW" in answer.err


class RunsCommand:
    """What an attacker puts where weights should be."""

    def __reduce__(self) -> Any:
        return os.system, ("touch it_ran",)


def test_a_malicious_file_is_refused(dltk, folder):
    torch.save(RunsCommand(), folder / "bad.pth")
    answer = dltk("import", "bad.pth", "iris.yaml", "--json")
    assert (answer.code, answer.json["error"]) == (81, "DLTK-INTEGRITY")
    assert not (folder / "it_ran").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none.pth", "iris.yaml"], 66, "there is no file 'none.pth'"),
        (["weights.pth", "none.yaml"], 66, "none.yaml"),
        (["weights.pth"], 2, "CONFIG"),
        (["weights.pth", "iris.yaml", "model.hiden=3"], 2, "did you mean 'hidden'?"),
        (["weights.pth", "iris.yaml", "--rename", "out"], 2, "--rename takes OLD=NEW"),
        (["weights.pth", "iris.yaml", "--rename", "a=b", "--by-order"], 2, "contradict each other"),
        (["iris.yaml", "iris.yaml"], 65, "no file of weights"),
    ],
)
def test_misuse_is_explained(dltk, weights, arguments, code, said):
    answer = dltk("import", *arguments)
    assert answer.code == code
    assert said in answer.err


def test_a_run_that_exists_is_not_overwritten(dltk, weights):
    Path("run").mkdir()
    assert dltk("import", weights, "iris.yaml", "--by-order", "--output-dir", "run").code == 73
