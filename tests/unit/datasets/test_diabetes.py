"""Diabetes progression as data."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from dltk.data.batches import Loading
from dltk.data.specs import Numbers
from dltk.datasets import diabetes

CONFIG = diabetes.Config()


def test_the_patients_are_those_of_scikit_learn_scaled_by_the_training_rows_alone():
    rows = diabetes.read(CONFIG).parts["train"]
    half = rows.take(torch.arange(221))
    reference = load_diabetes(scaled=False)
    expected = StandardScaler().fit(reference.data[:221]).transform(reference.data)
    prepared: Any = diabetes.prepare(CONFIG, half)
    batch: Any = prepared.parse(rows, Loading()).whole()
    torch.testing.assert_close(batch.inputs, torch.tensor(expected, dtype=torch.float32))
    assert batch.targets[:, 0].tolist() == reference.target.tolist()
    assert prepared.spec.target.means == pytest.approx((reference.target[:221].mean(),))
    assert diabetes.restore(CONFIG, prepared.state()) == prepared


def test_the_description_has_the_sizes_of_the_data():
    assert diabetes.describe(CONFIG).input.shape == (10,)
    assert diabetes.describe(CONFIG).target == Numbers(("progression",))


def test_splits_are_not_balanced_by_a_number():
    assert diabetes.read(CONFIG).parts["train"].labels() is None
