"""Plain values against a schema: what is wrong, said once, at the right path."""

import time
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from dltk.config.matching import SHOWN_BY, SYNONYMS, mismatches
from dltk.config.settings import Fraction, PositiveFloat, PositiveInt, Settings
from dltk.config.wording import described
from tests.problems import told


class Dense(Settings):
    name: Literal["dense"]
    units: PositiveInt
    activation: Literal["relu", "tanh"] | None = None


class Dropout(Settings):
    name: Literal["dropout"]
    rate: Fraction = 0.5


Layer = Annotated[Dense | Dropout, Field(discriminator="name")]


class Options(Settings):
    lr: PositiveFloat = 0.1
    epochs: PositiveInt = 3
    bias: bool = True
    word: Annotated[str, Field(min_length=1, max_length=4, pattern="^[a-z]+$")] = "a"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    size: PositiveInt | list[PositiveInt] = 3
    few: Annotated[list[int], Field(min_length=2)] = [1, 2]
    every: Literal["epoch"] | PositiveInt = "epoch"
    mode: Literal["best", "last", 3] = "best"
    layers: list[Layer] = []
    switch: Literal["auto", "on", "off"] = "auto"
    heads: dict[str, Layer] | None = None
    anything: Any = None
    free: dict[str, Any] = {}
    weights: dict[str, float] = {}
    one: Layer | dict[str, Layer] | None = None
    short: list[Literal["max_pool"] | PositiveInt] = []
    globs: Literal["head"] | Annotated[list[str], Field(min_length=1)] = "head"
    named: list[Literal["dense", "dropout"] | Layer] = []
    scores: Annotated[list[str], Field(json_schema_extra={"uniqueItems": True})] = []


class Required(Options):
    path: str


SCHEMA = Options.model_json_schema()


def problems_of(values, schema=SCHEMA):
    return [told(problem) for problem in mismatches(values, schema, schema, ("model",))]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"lr": 1, "epochs": 1, "bias": False, "word": "abcd", "betas": [0, 0.5], "size": [1, 2], "every": 3},
        {"size": 3, "every": "epoch", "mode": 3, "heads": None, "few": [1, 2, 3], "weights": {"a": 1, "b": 0.5}},
        {"layers": [{"name": "dense", "units": 3, "activation": None}, {"name": "dropout"}]},
        {"heads": {"a": {"name": "dropout", "rate": 0}}, "anything": {"x": [1, {}]}},
        {"one": {"name": "dropout"}},
        {"one": {"left": {"name": "dropout"}, "right": {"name": "dense", "units": 1}}},
        {"one": None},
    ],
)
def test_what_pydantic_takes_fits(values):
    Options.parse(values)
    assert problems_of(values) == []


LAYERS = "dense, dropout"
NUMBER = "a whole number above 0"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"lr": 0}, "lr: is out of range (found 0; allowed a number above 0)"),
        ({"lr": "1e-3"}, "lr: text is not allowed here; write 0.001 (found '1e-3'; allowed a number above 0)"),
        ({"lr": True}, "lr: true or false is not allowed here (found true; allowed a number above 0)"),
        ({"epochs": True}, "epochs: true or false is not allowed here (found true; allowed a whole number above 0)"),
        ({"epochs": 1.0},
         "epochs: a number with a point or an exponent is not allowed here; write 1 (found 1.0; allowed a "
         "whole number above 0)"),
        ({"epochs": 10**18},
         "epochs: is out of range (found 1000000000000000000; allowed a whole number above 0, at most "
         "1000000000)"),
        ({"epochs": None},
         "epochs: there is no value here (found null; allowed a whole number above 0)"),
        ({"bias": "no"}, "bias: text is not allowed here; write false (found 'no'; allowed true or false)"),
        ({"switch": "yes"}, "switch: no such choice; write 'on' (found 'yes'; allowed one of 'auto', 'on', 'off')"),
        ({"switch": False},
         "switch: true or false is not allowed here; write 'off' (found false; allowed one of 'auto', 'on', 'off')"),
        ({"bias": 0}, "bias: a whole number is not allowed here; write false (found 0; allowed true or false)"),
        ({"word": "A"},
         "word: this text has not the form that is needed (found 'A'; allowed text that matches ^[a-z]+$)"),
        ({"betas": [0.1, 1]}, "betas.1: is out of range (found 1; allowed a number of at least 0 and below 1)"),
        ({"betas": [0.1]}, "betas: a list of 1 is not allowed here (found [0.1]; allowed a list of 2)"),
        ({"betas": 0.1}, "betas: a number with a fraction is not allowed here (found 0.1; allowed a list of 2)"),
        ({"few": [1]}, "few: a list of 1 is not allowed here (found [1]; allowed a list of at least 2)"),
        ({"size": [1, 0]}, "size.1: is out of range (found 0; allowed a whole number above 0)"),
        ({"size": 0}, "size: is out of range (found 0; allowed a whole number above 0 or a list)"),
        ({"size": "x"}, "size: text is not allowed here (found 'x'; allowed a whole number above 0 or a list)"),
        ({"every": "never"}, "every: no such choice (found 'never'; allowed 'epoch' or a whole number above 0)"),
        ({"mode": "bes"}, "mode: no such choice; did you mean 'best'? (found 'bes'; allowed one of 'best', 'last', 3)"),
        ({"mode": 3.0},
         "mode: a number with a point or an exponent is not allowed here; write 3 (found 3.0; allowed one "
         "of 'best', 'last', 3)"),
        ({"weights": {"a": "x"}}, "weights.a: text is not allowed here (found 'x'; allowed a number)"),
        ({"free": [{"a": [1]}]},
         "free: a list is not allowed here; write {'a': [1]} (found [{'a': [1]}]; allowed a mapping)"),
        ({"layers": {"a": 1}}, "layers: a mapping is not allowed here (found {'a': 1}; allowed a list)"),
        ({"layers": ["dense"]},
         "layers.0: text is not allowed here; write {name: dense} (found 'dense'; allowed a mapping whose "
         "name is one of dense, dropout)"),
        ({"layers": [{"units": 3}]}, "layers.0: 'name' is missing (allowed one of dense, dropout)"),
        ({"layers": [{"name": "dens"}]},
         "layers.0.name: there is no 'dens'; did you mean 'dense'? (allowed dense, dropout)"),
        ({"layers": [{"name": ["dense"]}]},
         "layers.0.name: there is no ['dense']; did you mean 'dense'? (allowed dense, dropout)"),
        ({"layers": [{"name": "dense", "units": 3, "activation": "rely"}]},
         "layers.0.activation: no such choice; did you mean 'relu'? (found 'rely'; allowed one of 'relu', "
         "'tanh' or null)"),
        ({"heads": {"a": {"name": "dropout", "rat": 0}}},
         "heads.a.rat: no such option; did you mean 'rate'? (allowed name, rate)"),
        ({"heads": 3}, "heads: a whole number is not allowed here (found 3; allowed a mapping or null)"),
        ({"one": {"name": "dropout", "rate": 2}},
         "one.rate: is out of range (found 2; allowed a number of at least 0 and below 1)"),
        ({"one": {"rate": 0.1}}, "one: 'name' is missing (allowed one of dense, dropout)"),
        ({"one": {}}, "one: 'name' is missing (allowed one of dense, dropout)"),
        ({"one": {"left": {"rate": 0.1}}}, "one.left: 'name' is missing (allowed one of dense, dropout)"),
        ({"one": {"left": {"name": "dropout", "rate": 2}}},
         "one.left.rate: is out of range (found 2; allowed a number of at least 0 and below 1)"),
        ({"one": 3}, "one: a whole number is not allowed here (found 3; allowed a mapping whose name is one of dense, "
         "dropout or a mapping of such mappings or null)"),
        ({"one": "dense"},
         "one: text is not allowed here; write {name: dense} (found 'dense'; allowed a mapping whose name "
         "is one of dense, dropout or a mapping of such mappings or null)"),
        ({"short": ["pooling"]},
         "short.0: no such choice (found 'pooling'; allowed 'max_pool' or a whole number above 0)"),
        ({"short": ["pool"]},
         "short.0: no such choice; did you mean 'max_pool'? (found 'pool'; allowed 'max_pool' or a whole "
         "number above 0)"),
        ({"short": 3}, "short: a whole number is not allowed here; write [3] (found 3; allowed a list)"),
        ({"short": 0}, "short: a whole number is not allowed here (found 0; allowed a list)"),
        ({"short": "max_pool"}, "short: text is not allowed here; write [max_pool] (found 'max_pool'; allowed a list)"),
        ({"globs": "*.bias"},
         "globs: no such choice; write ['*.bias'] (found '*.bias'; allowed 'head' or a list of at least 1)"),
        ({"globs": "haed"},
         "globs: no such choice; did you mean 'head'? (found 'haed'; allowed 'head' or a list of at least 1)"),
        ({"named": ["zzz"]},
         "named.0: no such choice (found 'zzz'; allowed one of 'dense', 'dropout' or a mapping whose name "
         "is one of these)"),
        ({"named": "dense"}, "named: text is not allowed here; write [dense] (found 'dense'; allowed a list)"),
        ({"scores": ["b", "a", "b"]}, "scores.2: 'b' is in this list already"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_problem(values, problem):
    assert problems_of(values) == [f"model.{problem}"]


def test_an_unknown_option_is_a_problem_of_its_key():
    (problem,) = mismatches({"lrr": 1}, SCHEMA, SCHEMA, ("model",))
    assert problem.path == ("model", "lrr")
    assert problem.at_key
    assert problem.message == "no such option; did you mean 'lr'?"
    assert problem.allowed.startswith("anything, betas, bias, ")
    assert problem.id == "DLTK-CONFIG-UNKNOWN-KEY"


def test_a_missing_option_is_a_problem_of_the_mapping_that_lacks_it():
    schema = Required.model_json_schema()
    (problem,) = mismatches({}, schema, schema, ("data",))
    assert told(problem) == "data: 'path' is missing (allowed text)"
    assert problem.at_key


def test_everything_wrong_is_reported_together():
    values = {"layers": [{"name": "dens"}, {"name": "dense", "unts": 3}], "lr": 0}
    assert [text.split(": ")[0] for text in problems_of(values)] == [
        "model.layers.0.name", "model.layers.1.unts", "model.lr",
    ]  # fmt: skip


def test_ten_thousand_unknown_options_do_not_take_long():
    started = time.process_time()
    assert len(problems_of({f"learning_rate_{i}": 1 for i in range(10_000)})) == 10_000
    assert time.process_time() - started < 5


MANY = {"$defs": {}, "enum": [f"net{i:02}" for i in range(25)]}


def test_of_many_words_only_some_are_listed_behind_the_nearest():
    (problem,) = mismatches("nett07", MANY, {**MANY, SHOWN_BY: "dltk show nets"})
    some = ", ".join(f"net{i:02}" for i in range(20))
    assert problem.message == "no such choice; did you mean 'net07'?"
    assert problem.allowed == f"one of 25 words: {some}, ... and 5 more; dltk show nets"


def test_of_many_words_all_are_listed_where_none_is_near():
    (problem,) = mismatches("zzz", MANY, MANY)
    assert all(f"'{name}'" in problem.allowed for name in MANY["enum"])


def test_a_description_names_what_is_allowed():
    assert described(SCHEMA["properties"]["lr"], SCHEMA) == "a number above 0"
    assert described({"$ref": "#/$defs/Dense"}, SCHEMA) == "a mapping"
    assert described({}, SCHEMA) == "a value"


def test_what_is_called_otherwise_elsewhere_is_meant():
    schema = {"type": "object", "additionalProperties": False, "properties": {"label": {SYNONYMS: ["target"]}}}
    assert [told(one) for one in mismatches({"target": 1}, schema, {}, ("data",))] == [
        "data.target: no such option; did you mean 'label'? (allowed label)"
    ]
    assert [told(one) for one in mismatches({"tag": 1}, schema, {}, ("data",))] == [
        "data.tag: no such option (allowed label)"
    ]
