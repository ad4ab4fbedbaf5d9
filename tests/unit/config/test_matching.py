"""Plain values against a schema: what is wrong, said once, at the right path."""

import time
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from dltk.config.matching import SHOWN_BY, SYNONYMS, mismatches
from dltk.config.settings import Fraction, PositiveFloat, PositiveInt, Settings
from dltk.config.wording import described


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
    heads: dict[str, Layer] | None = None
    anything: Any = None
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
    return [str(problem) for problem in mismatches(values, schema, schema, ("model",))]


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
        ({"lr": 0}, "lr: must be a number above 0; received 0"),
        ({"lr": "1e-3"}, "lr: must be a number above 0; received '1e-3'"),
        ({"lr": True}, "lr: must be a number above 0; received true"),
        ({"epochs": True}, f"epochs: must be {NUMBER}; received true"),
        ({"epochs": 1.0}, f"epochs: must be {NUMBER}; received 1.0"),
        ({"epochs": 10**18}, f"epochs: must be {NUMBER}; received 1000000000000000000; at most 1000000000 is allowed"),
        ({"epochs": None}, f"epochs: must be {NUMBER}; received null"),
        ({"bias": "no"}, "bias: must be true or false; received 'no'"),
        ({"bias": 0}, "bias: must be true or false; received 0"),
        ({"word": "A"}, "word: must be text that matches ^[a-z]+$; received 'A'"),
        ({"betas": [0.1, 1]}, "betas.1: must be a number of at least 0 and below 1; received 1"),
        ({"betas": [0.1]}, "betas: must be a list of 2; received [0.1]"),
        ({"betas": 0.1}, "betas: must be a list of 2; received 0.1"),
        ({"few": [1]}, "few: must be a list of at least 2; received [1]"),
        ({"size": [1, 0]}, f"size.1: must be {NUMBER}; received 0"),
        ({"size": 0}, f"size: must be {NUMBER} or a list; received 0"),
        ({"size": "x"}, f"size: must be {NUMBER} or a list; received 'x'"),
        ({"every": "never"}, f"every: must be 'epoch' or {NUMBER}; received 'never'"),
        ({"mode": "bes"}, "mode: must be one of 'best', 'last', 3; received 'bes'; did you mean 'best'?"),
        ({"mode": 3.0}, "mode: must be one of 'best', 'last', 3; received 3.0"),
        ({"weights": {"a": "x"}}, "weights.a: must be a number; received 'x'"),
        ({"layers": {"a": 1}}, "layers: must be a list; received {'a': 1}"),
        ({"layers": ["dense"]},
         f"layers.0: must be a mapping whose name is one of {LAYERS}; received 'dense'; "
         "write {name: dense}"),
        ({"layers": [{"units": 3}]}, f"layers.0: 'name' is missing: one of {LAYERS}"),
        ({"layers": [{"name": "dens"}]},
         f"layers.0.name: there is no 'dens'; did you mean 'dense'? available: {LAYERS}"),
        ({"layers": [{"name": ["dense"]}]}, f"layers.0.name: there is no ['dense']; did you mean 'dense'? "
         f"available: {LAYERS}"),
        ({"layers": [{"name": "dense", "units": 3, "activation": "rely"}]},
         "layers.0.activation: must be one of 'relu', 'tanh' or null; received 'rely'; "
         "did you mean 'relu'?"),
        ({"heads": {"a": {"name": "dropout", "rat": 0}}},
         "heads.a.rat: no such option; did you mean 'rate'? allowed: name, rate"),
        ({"heads": 3}, "heads: must be a mapping or null; received 3"),
        ({"one": {"name": "dropout", "rate": 2}}, "one.rate: must be a number of at least 0 and below 1; received 2"),
        ({"one": {"rate": 0.1}}, f"one: 'name' is missing: one of {LAYERS}"),
        ({"one": {}}, f"one: 'name' is missing: one of {LAYERS}"),
        ({"one": {"left": {"rate": 0.1}}}, f"one.left: 'name' is missing: one of {LAYERS}"),
        ({"one": {"left": {"name": "dropout", "rate": 2}}},
         "one.left.rate: must be a number of at least 0 and below 1; received 2"),
        ({"one": 3}, f"one: must be a mapping whose name is one of {LAYERS} or a mapping of such "
         "mappings or null; received 3"),
        ({"one": "dense"}, f"one: must be a mapping whose name is one of {LAYERS} or a mapping of such mappings or "
         "null; received 'dense'; write {name: dense}"),
        ({"short": ["pooling"]}, f"short.0: must be 'max_pool' or {NUMBER}; received 'pooling'"),
        ({"short": ["pool"]}, f"short.0: must be 'max_pool' or {NUMBER}; received 'pool'; did you mean 'max_pool'?"),
        ({"short": 3}, "short: must be a list; received 3; write [3]"),
        ({"short": 0}, "short: must be a list; received 0"),
        ({"short": "max_pool"}, "short: must be a list; received 'max_pool'; write [max_pool]"),
        ({"globs": "*.bias"}, "globs: must be 'head' or a list of at least 1; received '*.bias'; write ['*.bias']"),
        ({"globs": "haed"}, "globs: must be 'head' or a list of at least 1; received 'haed'; did you mean 'head'?"),
        ({"named": ["zzz"]}, "named.0: must be one of 'dense', 'dropout' or a mapping whose name is one of these; "
         "received 'zzz'"),
        ({"named": "dense"}, "named: must be a list; received 'dense'; write [dense]"),
        ({"scores": ["b", "a", "b"]}, "scores.2: 'b' is in this list already"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_problem(values, problem):
    assert problems_of(values) == [f"model.{problem}"]


def test_an_unknown_option_is_a_problem_of_its_key():
    (problem,) = mismatches({"lrr": 1}, SCHEMA, SCHEMA, ("model",))
    assert problem.path == ("model", "lrr")
    assert problem.at_key
    assert problem.message.startswith("no such option; did you mean 'lr'? allowed: anything, betas, bias, ")


def test_a_missing_option_is_a_problem_of_the_mapping_that_lacks_it():
    schema = Required.model_json_schema()
    (problem,) = mismatches({}, schema, schema, ("data",))
    assert str(problem) == "data: 'path' is missing: text"
    assert problem.at_key


def test_everything_wrong_is_reported_together():
    values = {"layers": [{"name": "dens"}, {"name": "dense", "unts": 3}], "lr": 0}
    assert [text.split(": ")[0] for text in problems_of(values)] == [
        "model.layers.0.name", "model.layers.1.unts", "model.layers.1", "model.lr",
    ]  # fmt: skip


def test_ten_thousand_unknown_options_do_not_take_long():
    started = time.process_time()
    assert len(problems_of({f"learning_rate_{i}": 1 for i in range(10_000)})) == 10_000
    assert time.process_time() - started < 5


MANY = {"$defs": {}, "enum": [f"net{i:02}" for i in range(25)]}


def test_of_many_words_only_some_are_listed_behind_the_nearest():
    (problem,) = mismatches("nett07", MANY, {**MANY, SHOWN_BY: "dltk show nets"})
    some = ", ".join(f"net{i:02}" for i in range(20))
    assert problem.message == (
        f"must be one of 25 words; received 'nett07'; did you mean 'net07'? allowed: {some}, ... and 5 more; "
        "dltk show nets"
    )


def test_of_many_words_all_are_listed_where_none_is_near():
    (problem,) = mismatches("zzz", MANY, MANY)
    assert all(f"'{name}'" in problem.message for name in MANY["enum"])


def test_a_description_names_what_is_allowed():
    assert described(SCHEMA["properties"]["lr"], SCHEMA) == "a number above 0"
    assert described({"$ref": "#/$defs/Dense"}, SCHEMA) == "a mapping"
    assert described({}, SCHEMA) == "a value"


def test_what_is_called_otherwise_elsewhere_is_meant():
    schema = {"type": "object", "additionalProperties": False, "properties": {"label": {SYNONYMS: ["target"]}}}
    assert [str(one) for one in mismatches({"target": 1}, schema, {}, ("data",))] == [
        "data.target: no such option; did you mean 'label'?"
    ]
    assert [str(one) for one in mismatches({"tag": 1}, schema, {}, ("data",))] == [
        "data.tag: no such option; allowed: label"
    ]
