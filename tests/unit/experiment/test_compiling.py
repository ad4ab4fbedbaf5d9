"""Steps are compiled where a rule over facts says so or where that is asked for; a run records it, and keeps it."""

import json
from typing import Any

import pytest
import torch

from dltk.config.errors import ConfigError, ResumeRefused
from dltk.experiment import RunOptions, check, compiling
from dltk.experiment.planning import plan
from dltk.experiment.running import train
from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.learner import GradientLearner
from dltk.training.replay.tape import Tape
from tests.commands import record, weights
from tests.compiling import compiled_once, needs_compiler
from tests.unit.experiment.test_running import stopped

__all__ = ["compiled_once"]
ON: dict[str, Any] = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {"name": "mlp", "hidden": [4]},
    "train": {"epochs": 3, "threads": 1, "device": "cpu", "compile": "on"},
    "tensorboard": None,
}
play = Tape.play
ENDLESS = {"epochs": 10_000, "threads": 1, "device": "cpu"}


def decided(**changes: Any) -> dict[str, Any]:
    return {each["option"]: each["value"] for each in plan({**ON, **changes}).as_json()["decisions"]}


@pytest.fixture
def any_compiler(monkeypatch):
    """Let there be a compiler, which is not called."""
    monkeypatch.setattr(compiling, "compiler", lambda: "/usr/bin/g++")


@pytest.mark.usefixtures("any_compiler")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "on"),
        ({"train": {**ENDLESS, "epochs": 10}}, "off"),
        ({"model": {"name": "mlp", "hidden": [400]}}, "off"),
        ({"model": {"name": "mlp", "hidden": [4], "dropout": 0.1}}, "off"),
        ({"model": {"name": "mlp", "hidden": [4], "batch_norm": True}}, "off"),
        ({"model": {"name": "cnn", "layers": [2], "hidden": []}}, "off"),
        ({"model": {"name": "knn"}}, "off"),
        ({"optimizer": {"name": "adagrad"}}, "off"),
        ({"optimizer": {"name": "adam", "clip_norm": 1.0}}, "off"),
        ({"train": {**ENDLESS, "precision": "bf16"}}, "off"),
        ({"train": {**ENDLESS, "accumulate": 2}}, "off"),
        ({"train": {**ENDLESS, "ema": 0.9}}, "off"),
        ({"data": {**ON["data"], "augment": ["noise"]}}, "off"),
    ],
    ids=str,
)
def test_a_plan_shows_what_the_rule_says(changes, expected):
    one_pass = changes.get("model", {}).get("name") == "knn"
    changes = {"train": {"threads": 1}} | changes if one_pass else {"train": ENDLESS} | changes
    assert decided(**changes)["train.compile"] == expected


def test_without_a_compiler_the_rule_says_off(monkeypatch):
    monkeypatch.setattr(compiling, "compiler", lambda: None)
    assert decided(train=ENDLESS)["train.compile"] == "off"
    with pytest.raises(ConfigError, match=r"train\.compile.*no C\+\+ compiler"):
        plan(ON)


@pytest.mark.usefixtures("any_compiler")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": {"name": "mlp", "hidden": [4], "dropout": 0.1}}, "layers.0_dropout draws at random"),
        ({"optimizer": {"name": "adagrad"}}, "optimizer adagrad with these options is not compiled"),
        ({"data": {**ON["data"], "augment": ["noise"]}}, "augmentation draws at random"),
        ({"train": {**ON["train"], "ema": 0.9}}, "an average of the weights"),
        ({"model": {"name": "knn"}, "train": {"compile": "on"}}, "knn is fitted in one pass"),
        ({"model": {"name": "gan"}}, "the task gan has several optimizers"),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_is_a_problem_of_the_option_before_data_are_read(changes, reason):
    with pytest.raises(ConfigError, match=rf"train\.compile: the steps of this run cannot be compiled: .*{reason}"):
        plan({**ON, **changes})


def test_on_a_gpu_steps_are_not_compiled():
    experiment = plan({**ON, "train": ENDLESS}).experiment
    assert "on the CPU only" in compiling.why_not(experiment, torch.device("cuda"), None)


@needs_compiler
@pytest.mark.usefixtures("compiled_once")
def test_a_run_says_records_and_keeps_it(folder, capsys, monkeypatch):
    whole = train(ON, (), RunOptions(folder / "whole"))
    told = capsys.readouterr().err
    assert "train.compile: compiling the step" in told
    assert "kernels: step compiled" in told
    environment = json.loads((whole.path / "environment.json").read_text())
    assert environment["kernels"]["step"] == "compiled"
    assert environment["compiler"]
    stopped(ON, RunOptions(folder / "stopped", quiet=True))
    train(options=RunOptions(resume=str(folder / "stopped"), quiet=True))
    last = max(weights(whole.path))
    assert weights(folder / "stopped")[last] == weights(whole.path)[last]
    assert record(folder / "stopped") == record(whole.path)
    single = train(ON, {"train.compile": "off"}, RunOptions(folder / "single", quiet=True))
    assert weights(single.path)[last] != weights(whole.path)[last]
    assert dict(single.scores) == pytest.approx(dict(whole.scores), rel=1e-3)
    with pytest.raises(ResumeRefused, match=r"train\.compile"):
        train(ON, {"train.compile": "off", "train.epochs": 4}, RunOptions(whole.path, resume="auto", quiet=True))


@needs_compiler
@pytest.mark.usefixtures("compiled_once")
def test_what_was_compiled_goes_on_otherwise_without_a_compiler_and_says_so(folder, monkeypatch, capsys):
    monkeypatch.setattr(compiling, "SHORTEST_RUN", 10)
    auto = {**ON, "train": {**ON["train"], "compile": "auto"}}
    stopped(auto, RunOptions(folder / "run", quiet=True))
    assert json.loads((folder / "run" / "environment.json").read_text())["kernels"]["step"] == "compiled"
    monkeypatch.setenv("CXX", "a-compiler-that-is-not-there")
    capsys.readouterr()
    train(options=RunOptions(resume=str(folder / "run")))
    told = capsys.readouterr().err
    assert "warning[DLTK-WARN-COMPILE]: steps are not compiled: there is no C++ compiler" in told
    assert "warning[DLTK-WARN-MACHINE]: step was compiled, is usual" in told


@needs_compiler
def test_where_compiling_fails_a_new_run_goes_as_usual_and_says_so(folder, monkeypatch, capsys):
    def failing(*_: Any) -> None:
        raise CannotCompile("there is no room")

    monkeypatch.setattr(compiling, "SHORTEST_RUN", 10)
    monkeypatch.setattr(GradientLearner, "compile", failing)
    run = train(ON, {"train.compile": "auto"}, RunOptions(folder / "run"))
    assert "warning[DLTK-WARN-COMPILE]: steps are not compiled: there is no room" in capsys.readouterr().err
    environment = json.loads((run.path / "environment.json").read_text())
    assert environment["kernels"]["step"] == "usual"
    assert "compiler" not in environment
    with pytest.raises(
        ConfigError, match=r"train\.compile: the steps of this run cannot be compiled: there is no room"
    ):
        train(ON, (), RunOptions(folder / "other", quiet=True))


@pytest.mark.usefixtures("any_compiler")
def test_off_leaves_passes_to_torch_and_auto_replays_them_with_the_same_end(folder, monkeypatch):
    played = []

    def watched(self: Tape) -> None:
        played.append(True)
        play(self)

    monkeypatch.setattr(Tape, "play", watched)
    runs = {
        chosen: train(ON, {"train.compile": chosen}, RunOptions(folder / chosen, quiet=True))
        for chosen in ("off", "auto")
    }
    assert len(played) > 40
    assert weights(folder / "off") == weights(folder / "auto")
    assert runs["off"].scores == runs["auto"].scores
    played.clear()
    train(ON, {"train.compile": "off"}, RunOptions(folder / "again", quiet=True))
    assert played == []


def test_a_dry_run_compiles_nothing(folder, monkeypatch):
    monkeypatch.setattr(GradientLearner, "compile", lambda *_: pytest.fail("compiled"))
    check(ON)
