"""`dltk list`, `dltk show`, `dltk schema`: what there is, and what it can be told."""

import json
import re

import pytest
import yaml

from dltk.config import registry
from dltk.config.schema import SCHEMA_PATH
from tests.commands import IRIS, QUIET

GROUPS = {
    "datasets": {"csv", "digits", "iris", "logic_gate", "mnist"},
    "models": {"gan", "lenet", "mlp", "sequential"},
    "tasks": {"classification", "gan", "regression"},
    "optimizers": {"adam", "adamw", "sgd"},
    "schedules": {"constant", "cosine", "inverse_time"},
}


@pytest.mark.parametrize("kind", GROUPS)
def test_a_group_is_listed_with_one_sentence_each(dltk, kind):
    header, *lines = dltk.ok("list", kind).out.splitlines()
    assert header.split() == ["name", "what"]
    found = dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)
    assert found.keys() >= GROUPS[kind]
    assert all(what.endswith(".") for what in found.values())


def test_without_a_word_all_components_are_listed_by_group(dltk):
    found = dltk.ok("list", "--json").json
    assert list(found) == list(GROUPS)
    for kind, names in GROUPS.items():
        assert {row["name"] for row in found[kind]} >= names
    assert re.search(r"^models +lenet +LeNet", dltk.ok("list").out, re.MULTILINE)


def test_a_plugin_is_listed_too(dltk, folder, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    source = (registry._PACKAGE / "models" / "linear.py").read_text()
    (folder / "straight.py").write_text(source.replace('"""Linear model', '"""Straight line', 1))
    found = dltk.ok("list", "models", "--plugin", "straight.py", "--json").json
    assert {row["name"]: row["what"] for row in found["models"]}["straight"].startswith("Straight line")
    assert "straight" not in dltk.ok("show", "straight", "--plugin", "straight.py").err


def test_the_shipped_configs_are_listed_with_their_titles(dltk):
    rows = dltk.ok("list", "configs", "--json").json["configs"]
    (digits,) = [row for row in rows if row["config"].endswith("start/digits_mlp.yaml")]
    assert digits["what"].startswith("Hand-written digits")
    dltk.ok("train", digits["config"], "--dry-run")


@pytest.mark.parametrize(
    ("name", "title", "option"),
    [
        ("lenet", "model lenet: ", r"activation +one of .* +relu +What"),
        ("adam", "optimizer adam: ", r"lr +a number above 0 +0\.001 +Learning rate"),
        ("cosine", "schedule cosine: ", r"final "),
        ("csv", "data csv: ", r"path +text .*required"),
        ("train", "train: ", r"epochs +a whole number"),
        ("early_stopping", "early_stopping: ", r"patience +.* +5 "),
        ("classification", "task classification: ", r"loss +one of .*auto"),
    ],
)
def test_a_component_or_section_shows_its_options(dltk, name, title, option):
    out = dltk.ok("show", name).out
    assert out.startswith(title)
    assert re.search(rf"^{option}", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("section", "options", "own"),
    [
        ("data", {"batch_size", "val_fraction", "subset", "sampler", "augment"}, "path"),
        ("model", {"initializer", "weights", "freeze", "parameters"}, "hidden"),
        ("optimizer", {"lr", "clip_norm", "weight_decay"}, "betas"),
        ("schedule", {"warmup_steps"}, "final"),
        ("task", set(), "loss"),
    ],
)
def test_a_section_of_components_shows_what_all_share_and_their_names(dltk, section, options, own):
    rows = {row["option"]: row for row in dltk.ok("show", section, "--json").json[section]}
    assert rows.keys() >= options
    assert own not in rows
    assert all(row["type"] and row["help"] and not row["required"] for row in rows.values())
    last = dltk.ok("show", section).out.splitlines()[-1]
    kind = "datasets" if section == "data" else f"{section}s"
    names = [row["name"] for row in dltk.ok("list", kind, "--json").json[kind]]
    assert last == f"{section}.name: one of {', '.join(names)}; its own options: dltk show NAME"


def test_what_all_but_one_share_says_so(dltk):
    (row,) = [row for row in dltk.ok("show", "schedule", "--json").json["schedule"] if row["option"] == "warmup_steps"]
    assert row["help"].endswith("Not for one_cycle.")


def test_a_name_of_two_kinds_shows_both(dltk):
    assert set(dltk.ok("show", "gan", "--json").json) == {"model gan", "task gan"}


def test_options_as_json_have_type_default_and_help(dltk):
    rows = {row["option"]: row for row in dltk.ok("show", "mlp", "--json").json["model mlp"]}
    assert rows["dropout"]["default"] == 0
    assert all(row["type"] and row["help"] for row in rows.values())


def test_a_finished_run_shows_scores_commands_and_weights(dltk, iris_run):
    out = dltk.ok("show", iris_run).out
    assert out.startswith("state: completed\nval/accuracy ")
    assert f"\ndltk eval {iris_run}\n" in out
    assert out.endswith(
        "weights:\n  layers.0.weight [4, 4]\n  layers.0.bias [4]\n  head.weight [3, 4]\n  head.bias [3]\n"
    )
    shown = dltk.ok("show", iris_run, "--json").json
    assert (shown["run"], shown["status"], shown["weights"]["head.bias"]) == (str(iris_run), "completed", [3])


def test_what_show_calls_a_weight_can_be_set_in_a_config(dltk, iris_run):
    weights = dltk.ok("show", iris_run, "--json").json["weights"]
    values = {name: [0.0] * shape[0] for name, shape in weights.items() if len(shape) == 1}
    config = yaml.safe_load(IRIS)
    config["model"]["parameters"] = values
    config["train"]["epochs"] = 0
    import dltk as package

    run = package.train(config)
    assert run.model.get_parameter("head.bias").tolist() == [0, 0, 0]


def test_an_estimator_shows_what_was_fitted(dltk, folder):
    (folder / "ridge.yaml").write_text("data: {name: diabetes}\nmodel: {name: ridge}\ntrain: {threads: 1}\n" + QUIET)
    run = dltk.trained("ridge.yaml")
    assert re.search(r"^weights:\n  \S+ \[", dltk.ok("show", run).out, re.MULTILINE)


def test_a_failed_run_shows_why_and_how_to_go_on(dltk):
    answer = dltk("train", "iris.yaml", "name=flowers", "optimizer={name: sgd, lr: 1e30}", "-q")
    assert answer.code == 80
    assert "run:" not in answer.out + answer.err  # quiet
    out = dltk.ok("show", "flowers").out
    assert out.startswith("state: failed\n")
    assert "error: training diverged" in out
    assert "\ndltk train --resume runs/flowers/" in out


def test_what_is_neither_component_nor_run(dltk):
    answer = dltk("show", "lnet")
    assert answer.code == 2
    assert "did you mean 'lenet'?" in answer.err


def test_the_schema_is_the_shipped_one(dltk):
    assert json.loads(dltk.ok("schema").out) == json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def test_layers_are_listed_and_shown(dltk):
    out = dltk.ok("list", "layers").out
    assert {"dense", "conv2d", "max_pool2d", "lstm"} <= {line.split()[0] for line in out.splitlines()}
    shown = dltk.ok("show", "conv2d").out
    assert shown.startswith("layer conv2d: ")
    assert "kernel_size" in shown
