"""What is wrong with a run is said before its data are read."""

from typing import Any

import pytest
import torch

from dltk.config import plugins, registry
from dltk.config.errors import ConfigError, MissingInput
from dltk.config.sections import TensorboardOptions
from dltk.experiment.building import build
from dltk.experiment.config import read_experiment
from dltk.experiment.foresight import foreseen, refuse_absent_weights, refuse_foreseeable
from dltk.experiment.running import RunOptions, check, train

CPU = torch.device("cpu")
DIGITS: dict[str, Any] = {"data": {"name": "digits"}, "model": {"name": "mlp", "hidden": [4]}}
CONVOLUTIONS = [{"name": "conv2d", "filters": 4, "kernel_size": 5}] * 3


ADVERSARIAL: dict[str, Any] = {"model": {"name": "gan"}, "task": {"name": "gan"}}


@pytest.fixture(autouse=True)
def _nothing_is_read(monkeypatch):
    """Fail where the digits are read: their number alone is known."""

    def refused(_config):
        pytest.fail("the data were read")

    monkeypatch.setattr(registry.load("datasets", "digits"), "read", refused)


def problems(**changes):
    experiment = read_experiment({**DIGITS, **changes})
    with pytest.raises(ConfigError) as caught:
        refuse_foreseeable(experiment, CPU)
    return {problem.key: problem.message for problem in caught.value.problems}


def digits(**options):
    return {"data": {"name": "digits", **options}}


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (digits(batch_size=2000), "data.batch_size", "there are only 1295 training samples"),
        (digits(subset=5000), "data.subset", "there are 1295 training samples"),
        (digits(fold=[7, 7]), "data.fold", "there is no such fold"),
        (
            {"model": {"name": "sequential", "layers": CONVOLUTIONS}},
            "model.layers.1.kernel_size",
            "a window of 5x5 leaves nothing of 4x4 pixels",
        ),
        ({"model": {"name": "resnet", "freeze": ["conv9.*"]}}, "model.freeze.0", "no parameter is called 'conv9.*'"),
        ({"model": {"name": "mlp", "freeze": ["*"]}}, "model.freeze", "has no parameters that could learn"),
        ({"task": {"name": "classification", "metrics": ["precision"]}}, "task.metrics.0", "needs two"),
        (
            {"task": {"name": "classification", "class_weights": {"x": 2}}},
            "task.class_weights",
            "there is no class 'x'",
        ),
        ({"early_stopping": {"monitor": "val/f1"}}, "early_stopping.monitor", "no such score"),
        ({"early_stopping": {}, **digits(val_fraction=0)}, "early_stopping", "there is no val split to choose by"),
        (
            {"schedule": {"name": "cosine", "warmup_epochs": 5}, "train": {"epochs": 5}},
            "schedule.warmup_epochs",
            "epoch 5 is not before the end of the run, which has 5 epochs",
        ),
        (
            {"schedule": {"name": "multistep", "milestones": [2, 9]}, "train": {"epochs": 5}},
            "schedule.milestones.1",
            "epoch 9 is not before the end of the run",
        ),
        (
            {"schedule": {"name": "plateau", "patience": 9}, "train": {"epochs": 5}},
            "schedule.patience",
            "the run has 5",
        ),
        ({"train": {"accumulate": 50}}, "train.accumulate", "an epoch has only 21 batches"),
        (
            {"optimizer": {"name": "adam", "groups": [{"match": "haed.*", "lr": 1}]}},
            "optimizer.groups.0.match",
            "no parameter that learns matches 'haed.*'",
        ),
        (
            {
                **ADVERSARIAL,
                "optimizer": {"generator": {"name": "adam", "groups": [{"match": "generater.*", "lr": 1}]}},
            },
            "optimizer.generator.groups.0.match",
            "no parameter that learns matches 'generater.*'",
        ),
        (
            {**ADVERSARIAL, "schedule": {"name": "cosine", "warmup_epochs": 9}, "train": {"epochs": 9}},
            "schedule.warmup_epochs",
            "epoch 9 is not before the end of the run",
        ),
        ({**ADVERSARIAL, "train": {"accumulate": 2}}, "train.accumulate", "leave accumulate out"),
        (digits(group="a", group_pattern="b"), "data.group_pattern", "give group or group_pattern, not both"),
        (digits(group_pattern="("), "data.group_pattern", "is no regular expression"),
        (digits(fold=[0, 5], val_fraction=0.1), "data.fold", "the fold is the val split"),
        (digits(augment=["mixup"], batch_size=1), "data.augment.0", "data.batch_size: 1 has no other"),
        (
            digits(normalize="standardize") | {"model": {"name": "resnet", "normalize": {"mean": [0.5], "std": [0.2]}}},
            "model.normalize",
            "the data are standardised already",
        ),
        (
            digits(batch_size=1) | {"model": {"name": "mlp", "batch_norm": True}},
            "data.batch_size",
            "batch normalisation of vectors needs several samples",
        ),
        ({"model": {"name": "knn", "freeze": ["*"]}}, "model.freeze", "knn is fitted in one pass; leave freeze out"),
        ({"model": {"name": "knn", "initializer": "zeros"}}, "model.initializer", "leave initializer out"),
        ({"model": {"name": "knn"}, "early_stopping": {}}, "early_stopping", "which nothing stops early"),
        ({"model": {"name": "knn"}, "train": {"evaluate_every": 5}}, "train.evaluate_every", "in one pass"),
        ({"tensorboard": dict.fromkeys(TensorboardOptions.model_fields, False)}, "tensorboard", "tensorboard: null"),
        ({"model": {"name": "mlp", "parameters": {"head.w": [1]}}}, "model.parameters.head.w", "no parameter 'head.w'"),
        (
            {"model": {"name": "mlp", "hidden": [], "parameters": {"head.bias": [1, 2]}}},
            "model.parameters.head.bias",
            "'head.bias' has another shape",
        ),
        (digits(augment=["mixup"]) | {"task": {"name": "classification", "loss": "hinge"}}, "data.augment", "mixup"),
    ],
)
def test_what_is_wrong_is_said_without_reading(changes, key, message):
    found = problems(**changes)
    assert list(found) == [key]
    assert message in found[key]


def test_all_of_it_is_said_at_once():
    found = problems(
        data={"name": "digits", "batch_size": 9999},
        model={"name": "sequential", "layers": CONVOLUTIONS},
        task={"name": "classification", "metrics": ["precision"]},
    )
    assert set(found) == {"data.batch_size", "model.layers.1.kernel_size", "task.metrics.0"}


def test_lengths_monitors_and_layers_are_said_at_once():
    found = problems(
        model={"name": "sequential", "layers": CONVOLUTIONS},
        early_stopping={"monitor": "val/f1"},
        schedule={"name": "cosine", "warmup_epochs": 9},
        train={"epochs": 5, "accumulate": 900},
    )
    options = {"early_stopping.monitor", "model.layers.1.kernel_size", "schedule.warmup_epochs", "train.accumulate"}
    assert set(found) == options


def test_what_is_right_passes():
    refuse_foreseeable(read_experiment(DIGITS), CPU)


def test_what_only_the_data_tell_stays_open():
    found = foreseen(read_experiment({**DIGITS, **digits(group_pattern="(.)")}), CPU)
    assert (found.sizes, found.num_batches, found.session, found.selection) == ({}, None, None, None)
    assert found.model is not None


@pytest.fixture
def needs_data(tmp_path, no_plugins):
    """Load a plug-in whose model asks the preparation for what was fitted."""
    path = tmp_path / "asking.py"
    path.write_text(
        '''"""Asks."""
from typing import ClassVar
from torch import nn
from dltk.config.settings import Settings
from dltk.data.specs import Image


class Config(Settings):
    """None."""

    accepts: ClassVar = (Image,)
    role: ClassVar = "predictor"


def build(config, spec, preparation):
    return nn.Linear(preparation.state()["height"], 10)
'''
    )
    plugins.use_plugin(path)
    return path.stem


def test_a_model_that_follows_from_the_data_is_not_known(needs_data):
    found = foreseen(read_experiment({**DIGITS, "model": {"name": needs_data}}), CPU)
    assert found.model is None
    assert found.unknown == "it follows from the data (state), which are not read"


@pytest.mark.usefixtures("threads_as_they_were")
def test_what_is_foreseen_is_what_is_built():
    config = {"data": {"name": "iris"}, "model": {"name": "mlp"}, "early_stopping": {}}
    experiment = read_experiment(config)
    found, built = foreseen(experiment, CPU), build(experiment, CPU)
    assert found.experiment.plain() == built.experiment.plain()
    assert found.num_batches == built.splits.train.num_batches
    assert found.selection is not None
    assert found.selection.monitor == built.selection().monitor
    assert found.model is not None
    sizes = {name: value.shape for name, value in built.model.named_parameters()}
    assert {name: value.shape for name, value in found.model.named_parameters()} == sizes
    assert all(value.is_meta for value in found.model.parameters())


def test_a_few_batches_alone_have_no_other_splits():
    found = foreseen(read_experiment({**DIGITS, "train": {"overfit_batches": 2}}), CPU)
    assert (found.sizes, found.num_batches) == ({"train": 128}, 2)
    assert found.experiment.sections.train.epochs == 500


def test_positions_are_those_of_the_file(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("data: {name: digits}\nmodel: {name: mlp}\nearly_stopping: {monitor: val/f1}\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:3:27: early_stopping\.monitor: no such score"):
        refuse_foreseeable(read_experiment(config), CPU)


@pytest.mark.parametrize(
    ("weights", "message"),
    [("gone.safetensors", "there is no file 'gone.safetensors'"), ("runs/gone", "there is no run '")],
)
def test_weights_that_are_not_there_are_said_with_their_place(tmp_path, weights, message):
    config = tmp_path / "c.yaml"
    config.write_text(f"data: {{name: digits}}\nmodel:\n  name: mlp\n  weights: {weights}\n")
    with pytest.raises(MissingInput) as caught:
        refuse_absent_weights(read_experiment(config))
    assert caught.value.message.startswith(message)
    (problem,) = caught.value.problems
    assert (problem.key, problem.id, str(problem.position)) == ("model.weights", "DLTK-CONFIG-PATH", f"{config}:4:12")


def test_weights_of_another_program_are_said_without_reading(tmp_path):
    (tmp_path / "another.pth").write_bytes(b"")
    experiment = read_experiment({**DIGITS, "model": {"name": "mlp", "weights": str(tmp_path / "another.pth")}})
    with pytest.raises(ConfigError, match="is another program's file; make a run of it by dltk import"):
        refuse_absent_weights(experiment)


def test_a_run_of_weights_that_are_not_there_is_refused_unread(tmp_path):
    config = {**DIGITS, "model": {"name": "mlp", "weights": str(tmp_path / "gone.safetensors")}}
    for refused in (lambda: check(config), lambda: train(config, options=RunOptions(tmp_path / "run", quiet=True))):
        with pytest.raises(MissingInput, match="there is no file"):
            refused()
    assert not (tmp_path / "run").exists()


def test_data_that_are_not_there_are_said_with_their_place(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("data: {name: csv, path: gone.csv, target: y}\nmodel: {name: mlp}\n")
    with pytest.raises(MissingInput) as caught:
        read_experiment(config)
    (problem,) = caught.value.problems
    assert (problem.key, str(problem.position)) == ("data.path", f"{config}:1:25")
