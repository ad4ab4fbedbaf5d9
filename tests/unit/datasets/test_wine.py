"""Wine as data."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.datasets import load_wine

from dltk.data.batches import Loading
from dltk.datasets import wine


def test_the_wines_are_those_of_scikit_learn():
    config = wine.Config(scaling="none")
    train = wine.read(config).parts["train"]
    prepared: Any = wine.prepare(config, train)
    batch: Any = prepared.parse(train, Loading()).whole()
    reference = load_wine()
    assert torch.equal(batch.inputs, torch.tensor(reference.data, dtype=torch.float32))
    assert batch.targets.tolist() == reference.target.tolist()
    assert prepared.spec == wine.describe(config)


def test_columns_keep_the_names_of_scikit_learn():
    names = [column.name for column in wine.describe(wine.Config()).input.columns]  # type: ignore[union-attr]
    reference = ["od280_od315" if name.startswith("od280") else name for name in load_wine().feature_names]
    assert names == reference
