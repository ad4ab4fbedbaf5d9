"""Stored trees are safetensors and JSON, and come back as they were."""

import json

import pytest
import safetensors.torch
import torch

from dltk.config.errors import IntegrityError
from dltk.training.saving.durable import read_facts
from dltk.training.saving.storage import read_tree, write_directory

WEIGHT = torch.arange(6.0).reshape(2, 3)
TREES = {
    "model": {"layers.0.weight": WEIGHT, "count": torch.tensor(5)},
    "state": {"optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "betas": (0.9, 0.999)}, "score": float("inf")},
    "empty": {},
}


def test_trees_come_back_as_they_were(tmp_path):
    write_directory(tmp_path / "step-1", TREES, {"step": 1})
    assert read_tree(tmp_path / "step-1", "model")["layers.0.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    state = read_tree(tmp_path / "step-1", "state")
    assert state["optimizer"]["state"][0]["step"] == 3
    assert (state["optimizer"]["betas"], state["score"]) == ((0.9, 0.999), float("inf"))
    assert read_tree(tmp_path / "step-1", "empty") == {}
    assert read_facts(tmp_path / "step-1") == {"step": 1}


def test_files_are_plain_json_and_safetensors_that_others_can_read(tmp_path):
    write_directory(tmp_path / "step-1", TREES, {})
    names = {path.name for path in (tmp_path / "step-1").iterdir()}
    assert names == {
        "manifest.json",
        "model.json",
        "model.safetensors",
        "state.json",
        "state.safetensors",
        "empty.json",
    }
    packed = safetensors.torch.load_file(tmp_path / "step-1" / "model.safetensors")
    assert packed["model/layers.0.weight"].equal(WEIGHT)
    json.loads((tmp_path / "step-1" / "state.json").read_text())


def test_equal_trees_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_directory(tmp_path / name, TREES, {"step": 1})
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_an_unknown_tree_is_refused(tmp_path):
    write_directory(tmp_path / "step-1", TREES, {})
    with pytest.raises(IntegrityError, match="step-1 is damaged"):
        read_tree(tmp_path / "step-1", "other")


def test_what_cannot_be_stored_leaves_nothing_behind(tmp_path):
    with pytest.raises(TypeError, match="model/a"):
        write_directory(tmp_path / "step-1", {"model": {"a": object()}}, {})
    assert list(tmp_path.iterdir()) == []
