"""Overrides: what they change, and where their problems point."""

from dataclasses import replace
from pathlib import Path

import pytest

from dltk.config.document import locate, parse_document
from dltk.config.overrides import directory_of, override
from dltk.config.problems import Problem

TEXT = b"""\
model:
  name: sequential
  layers:
  - {name: dense, units: 3}
  - {name: dense, units: 4}
optimizer: {name: adam, lr: 0.1}
schedule:
nodes: {'0': a}
"""


@pytest.fixture
def document():
    return parse_document(TEXT, "c.yaml")


def problems_of(document, *overrides):
    return [str(problem) for problem in override(document, overrides).problems]


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("optimizer.lr=3e-4", ("optimizer", "lr"), 3e-4),
        ("seed=1", ("seed",), 1),
        ("model.layers.1.units=64", ("model", "layers", 1, "units"), 64),
        ("model.layers=[1, no]", ("model", "layers"), [1, "no"]),
        ("optimizer={name: sgd}", ("optimizer",), {"name": "sgd"}),
        ("optimizer.name='5'", ("optimizer", "name"), "5"),
        ("early_stopping.patience=3", ("early_stopping", "patience"), 3),
        ("schedule.name=cosine", ("schedule", "name"), "cosine"),
        ("optimizer=null", ("optimizer",), None),
        ("optimizer=", ("optimizer",), None),
        ("nodes.0=b", ("nodes", "0"), "b"),
        ("nodes.1=b", ("nodes", "1"), "b"),
        ("data.path='a=b: c.csv'", ("data",), {"path": "a=b: c.csv"}),
        ("nodes.\u00b2=1", ("nodes", "\u00b2"), 1),
    ],
)
def test_an_override_sets_one_value(document, text, path, value):
    values = override(document, [text]).values
    for part in path:
        values = values[part]
    assert values == value


def test_the_given_document_stays_as_it_is(document):
    override(document, ["model.layers.0.units=9", "optimizer.lr=1"])
    assert document == parse_document(TEXT, "c.yaml")


def test_later_overrides_win(document):
    assert override(document, ["seed=1", "seed=2"]).values["seed"] == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("optimizer.lr",
         "override:1:1: an override reads key=value, such as optimizer.lr=1e-3; received 'optimizer.lr' "
         "[DLTK-CONFIG-OVERRIDE]\n  | optimizer.lr\n  | ^"),
        ("=1", "override:1:1: an override reads key=value, such as optimizer.lr=1e-3; received '=1' "
         "[DLTK-CONFIG-OVERRIDE]\n  | =1\n  | ^"),
        ("model.layers.2.units=1",
         "override:1:14: model.layers: is a list with places 0 to 1; received '2' [DLTK-CONFIG-OVERRIDE]\n  "
         "| model.layers.2.units=1\n  |              ^"),
        ("model.layers.-1=1",
         "override:1:14: model.layers: is a list with places 0 to 1; received '-1' [DLTK-CONFIG-OVERRIDE]\n "
         " | model.layers.-1=1\n  |              ^"),
        ("model.layers.\u00b2=1",
         "override:1:14: model.layers: is a list with places 0 to 1; received '\xb2' [DLTK-CONFIG-OVERRIDE]\n  "
         "| model.layers.\xb2=1\n  |              ^"),
        ("optimizer.lr.x=1", "override:1:14: optimizer.lr: is 0.1, which has no 'x' to set [DLTK-CONFIG-OVERRIDE]\n  | "
         "optimizer.lr.x=1\n  |              ^"),
        ("optimizer.lr=.nan",
         "override:1:14: optimizer.lr: numbers must be finite; received .nan [DLTK-CONFIG-NOT-FINITE]\n  | "
         "optimizer.lr=.nan\n  |              ^"),
        ("optimizer={lr: 1, lr: 2}", "override:1:19: optimizer.lr: this key stands twice; first in column 12 "
         "[DLTK-CONFIG-DUPLICATE-KEY]\n  | optimizer={lr: 1, lr: 2}\n  |                   ^"),
        ("optimizer.lr=[1",
         "override:1:14: optimizer.lr: this '[' is never closed [DLTK-CONFIG-SYNTAX]\n  | optimizer.lr=[1\n "
         " |              ^"),
        ("optimizer.lr=!!python/name:os.system",
         "override:1:14: optimizer.lr: tags such as '!!python/name:os.system' are not allowed "
         "[DLTK-CONFIG-TAG]\n  | optimizer.lr=!!python/name:os.system\n  |              ^"),
        ("optimizer.lr=\udcff",
         "override:1:14: optimizer.lr: the character '\\udcff' is not allowed [DLTK-CONFIG-ENCODING]\n  | "
         "optimizer.lr=\\udcff\n  |              ^"),
    ],
)  # fmt: skip
def test_a_malformed_override_is_pointed_at(document, text, problem):
    assert problems_of(document, text) == [problem]


def test_a_place_of_5000_digits_is_no_place(document):
    assert "is a list with places 0 to 1" in problems_of(document, f"model.layers.{'9' * 5000}=1")[0]


def test_the_problems_of_all_overrides_come_together_and_in_order(document):
    found = problems_of(document, "zebra", "seed=1", "alpha.0", "optimizer.lr.x=1")
    assert [text.split(": ")[0] for text in found] == ["override:1:1", "override:3:1", "override:4:14"]


def place_of(document, path, *, at_key):
    (problem,) = locate([Problem(path, "x", at_key=at_key)], document)
    return str(problem.position)


def test_values_and_keys_stand_where_the_override_has_them(document):
    changed = override(document, ["optimizer.lrr=abc", "early_stopping={patience: x}", "train.epochs=3"])
    assert place_of(changed, ("optimizer", "lrr"), at_key=True) == "override:1:11"
    assert place_of(changed, ("optimizer", "lrr"), at_key=False) == "override:1:15"
    assert place_of(changed, ("early_stopping", "patience"), at_key=False) == "override:2:27"
    assert place_of(changed, ("early_stopping", "patience"), at_key=True) == "override:2:17"
    assert place_of(changed, ("train",), at_key=True) == "override:3:1"
    assert place_of(changed, ("optimizer", "lr"), at_key=False) == "c.yaml:6:29"


def test_what_an_override_replaces_has_no_place_in_the_file_any_more(document):
    changed = override(document, ["optimizer={lr: 1}"])
    assert place_of(changed, ("optimizer", "name"), at_key=True) == "override:1:11"
    assert place_of(changed, ("optimizer", "lr"), at_key=True) == "override:1:12"


def test_a_relative_path_is_relative_to_where_it_was_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = replace(parse_document(b"data: {path: a.csv, root: b}", "c.yaml"), directory=Path("/configs"))
    changed = override(document, ["data.path=c.csv"])
    assert directory_of(changed, ("data", "path")) == tmp_path
    assert directory_of(changed, ("data", "root")) == Path("/configs")
