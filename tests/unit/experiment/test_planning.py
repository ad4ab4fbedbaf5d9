"""A plan says what a run would be, by the functions that make the run."""

from typing import Any

import pytest
import torch
from torch import nn

from dltk.config import plugins
from dltk.config.errors import ConfigError
from dltk.experiment import RunOptions, kernels, train
from dltk.experiment.planning import plan, rule_of
from dltk.experiment.processor import AMD, Processor
from dltk.training.updates.optimizer_settings import OptimizerSettings

pytestmark = pytest.mark.usefixtures("threads_as_they_were")
DIGITS: dict[str, Any] = {
    "data": {"name": "digits", "batch_size": 50},
    "model": {"name": "mlp", "hidden": [16]},
    "train": {"epochs": 3, "threads": 1},
}


def facts(depth=None, **changes):
    return plan({**DIGITS, **changes}).as_json(depth)


def decided(**changes):
    return {each["option"]: each["value"] for each in facts(**changes)["decisions"]}


def test_sizes_and_length_are_those_of_the_run():
    told = facts()
    assert told["data"]["splits"] == {"train": 1295, "val": 143, "test": 359}
    assert told["length"] == {"batch_size": 50, "batches_per_epoch": 26, "epochs": 3, "steps": 78, "updates": 78}
    assert facts(train={"steps": 10, "accumulate": 4})["length"]["updates"] == 3


def test_layers_have_shapes_parameters_and_multiply_adds():
    model = facts()["model"]
    assert model["parameters"] == 64 * 16 + 16 + 16 * 10 + 10
    assert model["multiply_adds"] == 64 * 16 + 16 * 10
    assert [layer["name"] for layer in model["layers"]] == ["layers.0", "layers.0_activation", "head"]
    assert model["output"] == "label: 10 outputs, one per class; softmax makes probabilities of them"


def test_kernels_are_a_decision_that_only_a_pass_may_tell(monkeypatch):
    assert decided()["train.kernels"] in ("usual", None)
    assert "train.kernels" not in decided(train={"epochs": 3, "threads": 1, "kernels": "usual"})
    monkeypatch.setattr(kernels, "this_processor", lambda: Processor(AMD, 26, 2, frozenset({"avx512_bf16"})))
    monkeypatch.setattr(kernels, "multiplies_exactly", lambda: True)
    (row,) = (each for each in facts()["decisions"] if each["option"] == "train.kernels")
    assert row["value"] is None
    assert "a rule over processor and model says" in " ".join(row["rule"].split())


def test_scores_and_baselines_are_named():
    task = facts()["task"]
    assert task["scores"] == ["val/accuracy", "val/loss", "test/accuracy", "test/loss"]
    assert (task["monitor"], task["baselines"]) == ("val/accuracy", ["majority"])
    assert facts(train={"test": False})["task"]["scores"] == ["val/accuracy", "val/loss"]


def test_what_was_left_open_is_decided_by_its_rule():
    found = {each["option"]: each for each in facts()["decisions"]}
    assert found["task"]["value"] == "classification"
    assert found["data.val_fraction"] == {
        "option": "data.val_fraction",
        "value": 0.1,
        "rule": "default 0.1 from 50 on, unless data bring one",
    }
    assert found["optimizer"]["value"] == "adam"
    assert found["task.loss"]["value"] == "cross_entropy"
    assert found["task.loss"]["rule"].startswith("auto is cross_entropy")
    assert found["train.select"]["value"] == "best"
    assert found["early_stopping.monitor"]["value"] == "val/accuracy"
    assert not {"data.batch_size", "train.epochs", "train.threads", "model.hidden"} & set(found)


def test_what_was_written_is_no_decision():
    assert "task.loss" not in decided(task={"name": "classification", "loss": "focal"})
    assert "early_stopping.monitor" not in decided(early_stopping={"monitor": "val/loss"})
    assert decided(train={})["train.epochs"] == 39  # as many as show 1000 batches


def test_what_only_reading_tells_is_null():
    found = decided(data={"name": "digits", "group_pattern": "(.)"}, train={})
    assert found["data.val_fraction"] is None
    told = facts(data={"name": "digits", "group_pattern": "(.)"})
    assert told["data"]["splits"] is None
    assert told["length"]["steps"] is None
    assert told["model"]["parameters"] > 0


def memory(**changes):
    return facts(**changes)["memory"]


def test_memory_counts_every_copy_of_the_weights():
    weights = 4 * (64 * 16 + 16 + 16 * 10 + 10)
    assert memory()["optimizer"] == 2 * weights
    assert memory(optimizer={"name": "sgd", "lr": 0.1})["model"] == weights
    assert "optimizer" not in memory(optimizer={"name": "sgd", "lr": 0.1})
    assert memory(train={"ema": 0.9})["averaged weights"] == weights
    assert "best weights" not in memory(data={"name": "digits", "val_fraction": 0})
    assert memory()["data"] == 1797 * (64 + 8)  # a byte per pixel, an int64 class
    frozen = memory(model={"name": "mlp", "hidden": [16], "freeze": "backbone"})
    assert frozen["gradients"] == 4 * 170
    assert frozen["optimizer"] == 8 * 170


def test_half_precision_keeps_about_half():
    model = {"name": "cnn", "layers": [8, 8], "hidden": [32]}
    full, half = (memory(model=model, train={"precision": name})["activations"] for name in ("fp32", "bf16"))
    assert 0.45 < half / full < 0.8


def test_both_networks_of_a_gan_are_shown():
    told = facts(model={"name": "gan"}, optimizer={"generator": {"name": "sgd", "lr": 0.1}})
    names = {layer["name"].partition(".")[0] for layer in told["model"]["layers"]}
    assert names == {"generator", "discriminator"}
    assert sum(layer["parameters"] for layer in told["model"]["layers"]) == told["model"]["parameters"]
    assert told["model"]["output"] == ""
    generator = 4 * sum(each["parameters"] for each in told["model"]["layers"] if each["name"].startswith("generator"))
    assert told["memory"]["optimizer"] == 2 * (4 * told["model"]["parameters"] - generator)  # the other one has adam


def test_an_estimator_has_no_layers():
    told = facts(model={"name": "knn"}, train={})
    assert told["model"]["unknown"].startswith("it is fitted in one pass over the training samples (k nearest")
    assert told["length"]["updates"] is None
    assert "layers" not in told["model"]


@pytest.fixture
def looking(tmp_path, no_plugins):
    """Load a plug-in whose model looks at its inputs."""
    path = tmp_path / "looking.py"
    path.write_text(
        '''"""Looks."""
from typing import ClassVar
from torch import nn
from dltk.config.settings import Settings
from dltk.data.specs import Image


class Config(Settings):
    """None."""

    accepts: ClassVar = (Image,)
    role: ClassVar = "predictor"


class Looking(nn.Module):
    """Branches on a number."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        return self.dense(x.flatten(1)) * (1 if x.sum() > 0 else 2)


def build(config, spec, preparation):
    return Looking()
'''
    )
    plugins.use_plugin(path)
    return path.stem


def test_a_model_that_looks_at_numbers_is_counted_but_not_watched(looking):
    model = facts(model={"name": looking})["model"]
    assert model["parameters"] == 650
    assert model["unknown"].startswith("its layers cannot be watched without numbers: ")


def test_problems_are_those_of_a_run():
    with pytest.raises(ConfigError) as caught:
        plan({**DIGITS, "early_stopping": {"monitor": "val/f1"}})
    assert [problem.key for problem in caught.value.problems] == ["early_stopping.monitor"]


def test_a_plan_builds_no_numbers(monkeypatch):
    def refused(*_):
        pytest.fail("an optimizer was built")

    monkeypatch.setattr(OptimizerSettings, "build", refused)
    found = plan(DIGITS)
    assert isinstance(found.foreseen.model, nn.Module)
    assert all(parameter.device == torch.device("meta") for parameter in found.foreseen.model.parameters())


def test_rules_are_what_the_help_says_of_being_left_out():
    from dltk.config.sections import DataOptions, TrainOptions

    assert rule_of(DataOptions, "batch_size") == "default 64, fewer when the training split is smaller"
    assert rule_of(TrainOptions, "device") == "auto is CUDA when there is one"


WRONG_HEAD = '''"""Has seven outputs, whatever is asked for."""
from typing import ClassVar
from torch import nn
from dltk.config.settings import Settings
from dltk.data.specs import Image


class Config(Settings):
    """None."""

    accepts: ClassVar = (Image,)
    role: ClassVar = "predictor"


def build(config, spec, preparation):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))
'''


def test_a_head_of_another_width_is_refused(tmp_path, no_plugins):
    path = tmp_path / "seven.py"
    path.write_text(WRONG_HEAD)
    plugins.use_plugin(path)
    with pytest.raises(ConfigError) as caught:
        plan({**DIGITS, "model": {"name": "seven"}})
    (problem,) = caught.value.problems
    assert problem.key == "model"
    assert problem.message == "must have outputs of shape (samples, 10) for 'label'; received (samples, 7)"


def test_it_is_refused_at_its_place_in_the_config_too_while_it_learns(tmp_path, no_plugins):
    (tmp_path / "seven.py").write_text(WRONG_HEAD)
    plugins.use_plugin(tmp_path / "seven.py")
    config = tmp_path / "c.yaml"
    config.write_text("data: {name: digits}\nmodel:\n  name: seven\n")
    with pytest.raises(ConfigError) as caught:
        train(config, options=RunOptions(tmp_path / "run", quiet=True))
    (problem,) = caught.value.problems
    assert str(problem.position) == f"{config}:3:3"
    assert problem.message == "must have outputs of shape (samples, 10) for 'label'; received (samples, 7)"


def test_notes_are_in_the_plan():
    assert facts(early_stopping={})["notes"] == [
        "note: early_stopping.patience: 5 stops nothing, the val split is scored 3 times"
    ]
