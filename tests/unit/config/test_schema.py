"""A config against the schema of small components."""

import re
from typing import Annotated, Literal

import pytest
from pydantic import Field

from dltk.config import differing, generating, plugins, registry, schema
from dltk.config.document import locate, parse_document
from dltk.config.errors import ConfigError
from dltk.config.problems import Problem
from dltk.config.sections import PathText
from dltk.config.settings import PositiveFloat, PositiveInt, Settings
from tests.problems import told


class Csv(Settings):
    """The user's own table."""

    path: PathText
    """Where it is."""


class Iris(Settings):
    """Three species."""


class Dense(Settings):
    name: Literal["dense"]
    units: PositiveInt


class Dropout(Settings):
    name: Literal["dropout"]


class Sequential(Settings):
    """Layers by hand."""

    layers: list[Annotated[Dense | Dropout, Field(discriminator="name")]]


class Adam(Settings):
    name: Literal["adam"] = "adam"
    lr: PositiveFloat = 1e-3


class Sgd(Settings):
    name: Literal["sgd"] = "sgd"
    lr: PositiveFloat = 1e-2


SCHEMA = generating.assemble({
    "data": {"csv": Csv, "iris": Iris},
    "model": {"sequential": Sequential},
    "task": {"classification": Iris},
    "optimizer": {"adam": Adam, "sgd": Sgd},
})  # fmt: skip

GOOD = """\
name: x
data: {name: csv, path: a.csv, batch_size: 3}
model:
  name: sequential
  layers:
  - {name: dense, units: 3}
  - name: dropout
task:
optimizer: {name: adam, lr: 1e-3}
train: {epochs: 3, evaluate_every: epoch}
"""


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})


def problems_of(text):
    document = parse_document(text.encode(), "c.yaml")
    error = ConfigError(locate(differing.check(document.values, SCHEMA), document))
    return [told(problem) for problem in error.problems]


def test_a_good_config_has_no_problems():
    assert problems_of(GOOD) == []


def test_options_without_a_name_are_those_of_the_default_optimizer():
    assert problems_of(GOOD.replace("{name: adam, lr: 1e-3}", "{lr: 1e-3}")) == []


DATA = "csv, iris"
SECTIONS = "checkpoint, data, early_stopping, model, name, optimizer, schedule, seed, task, tensorboard, train"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("optimizer:", "optimiser:",
         "9:1: optimiser: no such section; did you mean 'optimizer'? (allowed checkpoint, data, "
         "early_stopping, model, name, optimizer, schedule, seed, task, tensorboard, train)"),
        ("name: x", "name: ../x",
         "1:7: name: this text has not the form that is needed (found '../x'; allowed text of up to 100 "
         "letters, digits, '.', '_' and '-', beginning with a letter or digit or null)"),
        ("data: {name: csv", "data: {name: cvs",
         "2:14: data.name: there is no dataset 'cvs'; did you mean 'csv'? (allowed csv, iris)"),
        ("data: {name: csv", "data: {name: ../csv",
         "2:14: data.name: there is no dataset '../csv'; did you mean 'csv'? (allowed csv, iris)"),
        ("data: {name: csv", "data: {name: [csv]",
         "2:14: data.name: there is no dataset ['csv']; did you mean 'csv'? (allowed csv, iris)"),
        ("data: {name: csv,", "data: {", "2:1: data: 'name' is missing (allowed one of csv, iris)"),
        ("path: a.csv, ", "", "2:1: data: 'path' is missing (allowed text that is not empty)"),
        ("a.csv", "3", "2:25: data.path: a whole number is not allowed here (found 3; allowed text that is not empty)"),
        ("batch_size: 3", "batchsize: 3",
         "2:32: data.batchsize: no such option; did you mean 'batch_size'? (allowed augment, batch_size, "
         "fold, group, group_pattern, name, path, sampler, split_seed, storage, stratify, subset, test_fraction, time, "
         "val_fraction)"),
        ("batch_size: 3", "batch_size: 0",
         "2:44: data.batch_size: is out of range (found 0; allowed a whole number above 0 or null)"),
        ("units: 3", "unit: 3, units: 3",
         "6:19: model.layers.0.unit: no such option; did you mean 'units'? (allowed name, units)"),
        ("name: dropout", "name: drop",
         "7:11: model.layers.1.name: there is no 'drop'; did you mean 'dropout'? (allowed dense, dropout)"),
        ("task:", "task: classification",
         "8:7: task: text is not allowed here; write {name: classification} (found 'classification'; "
         "allowed a mapping whose name is one of classification)"),
        ("lr: 1e-3", "lr: -1", "9:29: optimizer.lr: is out of range (found -1; allowed a number above 0)"),
        ("lr: 1e-3", "lrr: 1e-3", "9:25: optimizer.lrr: no such option; did you mean 'lr'? (allowed lr, name)"),
        ("{name: adam, lr: 1e-3}", "{lr: no}",
         "9:17: optimizer.lr: text is not allowed here (found 'no'; allowed a number above 0)"),
        ("{name: adam, lr: 1e-3}", "{generator: {lr: 1}}",
         "9:13: optimizer.generator: 'name' is missing (allowed one of adam, sgd)"),
        ("{name: adam, lr: 1e-3}", "{generator: {name: adam}, discriminator: {name: sgd, lr: no}}",
         "9:69: optimizer.discriminator.lr: text is not allowed here (found 'no'; allowed a number above 0)"),
        ("{name: adam, lr: 1e-3}", "{generator: {name: sdg}}",
         "9:31: optimizer.generator.name: there is no 'sdg'; did you mean 'sgd'? (allowed adam, sgd)"),
        ("{name: adam, lr: 1e-3}", "adam",
         "9:12: optimizer: text is not allowed here; write {name: adam} (found 'adam'; allowed a mapping "
         "whose name is one of adam, sgd or a mapping of such mappings or null)"),
        ("{name: adam, lr: 1e-3}", "adm",
         "9:12: optimizer: text is not allowed here; did you mean 'adam'? (found 'adm'; allowed a mapping "
         "whose name is one of adam, sgd or a mapping of such mappings or null)"),
        ("epochs: 3", "epochs: 3.5",
         "10:17: train.epochs: a number with a fraction is not allowed here (found 3.5; allowed a whole "
         "number of at least 0 or null)"),
        ("evaluate_every: epoch", "evaluate_every: epohc",
         "10:36: train.evaluate_every: no such choice; did you mean 'epoch'? (found 'epohc'; allowed "
         "'epoch' or a whole number above 0)"),
        ("train: {epochs: 3, evaluate_every: epoch}", "train:",
         "10:7: train: there is no value here (found null; allowed a mapping)"),
    ],
)  # fmt: skip
def test_a_problem_is_named_where_it_stands(old, new, problem):
    assert problems_of(GOOD.replace(old, new, 1)) == [f"c.yaml:{problem}"]


def test_missing_sections_are_reported_together():
    assert problems_of("seed: 1") == [
        "c.yaml:1:1: data: this section is missing (allowed data: {name: ...}, with a name of: dltk list datasets)",
        "c.yaml:1:1: model: this section is missing (allowed model: {name: ...}, with a name of: dltk list models)",
    ]
    assert [p.path for p in differing.check({"data": None, "model": None}, SCHEMA)] == [("data",), ("model",)]


def test_two_nested_settings_of_one_name_are_refused():
    class Other(Settings):
        layers: list["Inner.Dense"]

    class Inner:
        class Dense(Settings):
            units: str

    Other.model_rebuild(_types_namespace={"Inner": Inner})
    with pytest.raises(ValueError, match="two nested settings are called Dense; rename the one in model other"):
        generating.assemble({"model": {"sequential": Sequential, "other": Other}})


def test_a_schema_says_which_section_takes_which_names_and_that_others_may_be_left_out():
    assert SCHEMA["required"] == ["data", "model"]
    assert SCHEMA["properties"]["data"]["discriminator"]["mapping"] == {
        "csv": "#/$defs/data.csv", "iris": "#/$defs/data.iris",
    }  # fmt: skip
    assert SCHEMA["properties"]["task"]["anyOf"][-1] == {"type": "null"}
    assert SCHEMA["$defs"]["data.csv"]["properties"]["path"]["description"] == "Where it is."
    assert SCHEMA["$defs"]["data.csv"]["required"] == ["name", "path"]


PLUGIN = '''"""Mine."""
from typing import ClassVar
from dltk.config.settings import PositiveInt, Settings
class Layer(Settings):
    units: PositiveInt
class Config(Settings):
    role: ClassVar[str] = "predictor"
    layer: Layer
def build(config, spec, preparation): ...
'''


def test_a_plugin_is_checked_like_a_shipped_component(tmp_path):
    (tmp_path / "my_model.py").write_text(PLUGIN)
    plugins.use_plugin(tmp_path / "my_model.py")
    values = {"data": {"name": "iris"}, "model": {"name": "my_model", "layer": {"unit": 1}}}
    assert [told(p) for p in differing.check(values, SCHEMA)] == [
        "model.layer.unit: no such option; did you mean 'units'? (allowed units)",
    ]
    values["model"] = {"name": "my_modle"}
    assert differing.check(values, SCHEMA) == [
        Problem(("model", "name"), "there is no model 'my_modle'; did you mean 'my_model'?",
                id="DLTK-CONFIG-UNKNOWN-NAME", allowed="my_model, sequential")
    ]  # fmt: skip


def test_show_finds_what_it_suggests():
    assert all(schema.find(name) for name in schema.findable())
    assert schema.find("adam")["optimizer adam"]["properties"]["lr"]
    assert schema.find("train")["train"]["properties"]["epochs"]
    assert schema.find("no_such_thing") == {}


def test_the_types_of_a_plugin_can_be_described(tmp_path):
    (tmp_path / "my_model.py").write_text(PLUGIN)
    plugins.use_plugin(tmp_path / "my_model.py")
    found = schema.find("my_model")["model my_model"]
    assert schema.describe(found["properties"]["layer"], found) == "a mapping"
    assert schema.describe(found["properties"]["parameters"], found) == "a mapping or null"


def test_a_name_that_another_component_is_told_by_an_option_leads_there():
    (problem,) = differing.check({"data": {"name": "digits"}, "model": {"name": "resnet18"}})
    assert problem.path == ("model", "name")
    assert problem.message == (
        "there is no model 'resnet18'; did you mean {name: torchvision, architecture: resnet18}?"
    )


def test_a_value_of_an_option_that_may_be_left_out_leads_nowhere():
    (problem,) = differing.check({"data": {"name": "digits"}, "model": {"name": "leaky_relu"}})
    assert "did you mean {" not in problem.message


@pytest.mark.parametrize(
    ("section", "value", "said"),
    [
        ("data", {"name": "digits", "augment": ["flip"]}, "did you mean 'horizontal_flip' or 'vertical_flip'?"),
        ("data", {"name": "digits", "augment": "mixup"},
         "text is not allowed here; write [mixup] (found 'mixup'; allowed a list)"),
        ("data", {"name": "digits", "subset": 0},
         "is out of range (found 0; allowed a whole number above 0 or a number above 0 and below 1 or null)"),
        ("model", {"name": "mlp", "initializer": "he"}, "did you mean 'he_normal' or 'he_uniform'?"),
        ("model", {"name": "mlp", "freeze": "backbon"}, "did you mean 'backbone'?"),
        ("model", {"name": "cnn", "layers": [8, "pol"]}, "did you mean 'pool'?"),
        ("model", {"name": "torchvision", "architecture": "resnet19"},
         "did you mean 'resnet18'? (found 'resnet19'; allowed one of 80 words: alexnet, "),
        ("model", "resnet50", "did you mean {name: torchvision, architecture: resnet50}?"),
        ("schedule", "one_cycle", "text is not allowed here; write {name: one_cycle}"),
        ("task", {"name": "classification", "metrics": ["f1_macro"]}, "did you mean 'macro_f1'?"),
        ("task", {"name": "classification", "metrics": ["f1", "f1"]}, "'f1' is in this list already"),
        ("task", {"name": "regression", "metrics": ["mae", "r2", "mae"]}, "'mae' is in this list already"),
    ],
)  # fmt: skip
def test_a_near_miss_is_told_what_was_meant_and_every_word_once(section, value, said):
    config = {"data": {"name": "digits"}, "model": {"name": "mlp"}, section: value}
    (problem,) = differing.check(config)
    assert said in told(problem)
    words = re.findall(r"\w+_\w+", problem.allowed)
    assert len(words) == len(set(words))


def test_a_cut_list_says_where_the_whole_one_is():
    config = {"data": {"name": "digits"}, "model": {"name": "torchvision", "architecture": "resnet19"}}
    (problem,) = differing.check(config)
    assert problem.allowed.endswith(" more; dltk show torchvision")
