"""Breast cancer as data."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.datasets import load_breast_cancer

from dltk.data.batches import Loading
from dltk.datasets import breast_cancer


def test_the_tumours_are_those_of_scikit_learn():
    config = breast_cancer.Config(scaling="none")
    train = breast_cancer.read(config).parts["train"]
    prepared: Any = breast_cancer.prepare(config, train)
    batch: Any = prepared.parse(train, Loading()).whole()
    reference = load_breast_cancer()
    assert torch.equal(batch.inputs, torch.tensor(reference.data, dtype=torch.float32))
    assert batch.targets.tolist() == reference.target.tolist()
    assert prepared.spec == breast_cancer.describe(config)
    assert prepared.spec.target.names == tuple(reference.target_names)


def test_columns_keep_the_names_of_scikit_learn():
    table: Any = breast_cancer.describe(breast_cancer.Config()).input
    reference = [name.replace(" ", "_") for name in load_breast_cancer().feature_names]
    assert [column.name for column in table.columns] == reference
