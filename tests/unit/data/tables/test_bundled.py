"""Tables that are made of names and a loader."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dltk.config.errors import OptionError
from dltk.data.batches import Loading
from dltk.data.specs import Classes, Column, Numbers, Table
from dltk.data.tables.bundled import BundledTable
from dltk.data.tables.options import TableOptions
from dltk.data.tables.preparation import TABLE

ROWS = np.array([[1.0, 2, 0], [3, 4, 1], [5, 6, 1]])
SORTS = BundledTable(("a", "b"), "sort", lambda: ROWS, ("x", "y"))
NUMBERS = BundledTable(("a", "b"), "price", lambda: ROWS)


def test_class_numbers_get_their_names_and_splits_are_balanced_by_them():
    train = SORTS.read(TableOptions()).parts["train"]
    assert train.targets == {"sort": ["x", "y", "y"]}
    assert train.labels() == ["x", "y", "y"]
    assert SORTS.describe(TableOptions()).target == Classes(("x", "y"))


def test_without_classes_numbers_are_predicted():
    train = NUMBERS.read(TableOptions()).parts["train"]
    assert train.labels() is None
    assert NUMBERS.describe(TableOptions()).target == Numbers(("price",))
    prepared: Any = NUMBERS.prepare(TableOptions(), train)
    assert prepared.spec.target.means == pytest.approx((2 / 3,))
    assert NUMBERS.restore(TableOptions(), prepared.state()) == prepared


def test_columns_have_the_options_of_every_table():
    options = TableOptions.parse({"drop": ["a"], "columns": {"b": {"encode": "one_hot"}}})
    train = SORTS.read(options).parts["train"]
    batch: Any = SORTS.prepare(options, train).parse(train, Loading()).whole()
    assert SORTS.describe(options).inputs[TABLE] == Table((Column("b"),))
    assert batch.inputs.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_an_unknown_column_is_refused():
    with pytest.raises(OptionError, match="there is no column 'c'; the table has a, b"):
        SORTS.describe(TableOptions(drop=("c",)))
