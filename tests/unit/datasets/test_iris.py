"""Iris as data."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.datasets import load_iris

from dltk.data.batches import Loading
from dltk.datasets import iris


def test_the_flowers_are_those_of_scikit_learn():
    config = iris.Config(scaling="none")
    train = iris.read(config).parts["train"]
    prepared: Any = iris.prepare(config, train)
    batch: Any = prepared.parse(train, Loading()).whole()
    reference = load_iris()
    assert torch.equal(batch.inputs, torch.tensor(reference.data, dtype=torch.float32))
    assert batch.targets.tolist() == reference.target.tolist()
    assert prepared.spec == iris.describe(config)
    assert prepared.spec.target.names == tuple(reference.target_names)


def test_splits_are_balanced_by_species():
    train = iris.read(iris.Config()).parts["train"]
    assert train.labels().count("virginica") == 50


def test_a_preparation_comes_back_from_its_state():
    config = iris.Config()
    prepared: Any = iris.prepare(config, iris.read(config).parts["train"])
    assert iris.restore(config, prepared.state()) == prepared
