"""Raw samples column by column, whatever a column is."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from dltk.data.fields import Ragged
from dltk.data.samples import Columns, values_of

CHOSEN = torch.tensor([2, 0])


@pytest.mark.parametrize(
    ("column", "plain"),
    [
        (torch.tensor([1, 2, 3]), lambda c: c.tolist()),
        (np.array([1, 2, 3]), lambda c: c.tolist()),
        ([1, 2, 3], list),
        ((1, 2, 3), list),
        (pd.Series([1, 2, 3]), lambda c: c.tolist()),
        (pd.DataFrame({"a": [1, 2, 3]}), lambda c: c["a"].tolist()),
        (Ragged.of([[1], [2], [3]]), lambda c: c.values.tolist()),
    ],
    ids=["tensor", "array", "list", "tuple", "series", "frame", "ragged"],
)
def test_samples_are_taken_by_position(column, plain):
    samples = Columns({"x": column}, {"y": ["a", "b", "c"]}, ["one", "two", "three"], stratify="y")
    taken = samples.take(CHOSEN)
    assert plain(taken.inputs["x"]) == [3, 1]
    assert isinstance(taken.inputs["x"], list if isinstance(column, tuple) else type(column))
    assert taken.targets["y"] == ["c", "a"]
    assert taken.names == ["three", "one"]
    assert taken.stratify == "y"
    assert (len(samples), len(taken)) == (3, 2)


def test_a_frame_is_taken_by_place_not_by_its_index():
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=[9, 0, 2])
    assert Columns({"x": frame}, {}).take(CHOSEN).inputs["x"]["a"].tolist() == [3, 1]


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"equal length; received \{'x': 2, 'y': 3\}"):
        Columns({"x": [1, 2]}, {"y": torch.zeros(3)})


def test_samples_are_called_by_position_unless_named():
    samples = Columns({"x": [5, 6, 7]}, {})
    assert samples.names == ["0", "1", "2"]
    assert samples.take(CHOSEN).names == ["2", "0"]


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (torch.tensor([1, 0]), [1, 0]),
        (torch.tensor([[1, 0], [0, 1]]), [(1, 0), (0, 1)]),
        (np.array(["a", "b"]), ["a", "b"]),
        (["a", "b"], ["a", "b"]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), [(1, 3), (2, 4)]),
    ],
)
def test_labels_are_hashable_values_of_the_target(target, labels):
    found: Any = Columns({"x": [1, 2]}, {"y": target}, stratify="y").labels()
    assert found == labels
    assert {*found}


def test_without_a_target_to_balance_by_there_are_no_labels():
    assert Columns({"x": [1]}, {"y": [1]}).labels() is None
    assert Columns({"x": [1]}, {}, stratify="y").labels() is None


def test_missing_labels_stay():
    labels: Any = Columns({"x": [1]}, {"y": torch.tensor([math.nan])}, stratify="y").labels()
    assert math.isnan(labels[0])


def test_splits_can_be_grouped_by_whatever_has_one_value_per_sample():
    table = pd.DataFrame({"age": ["3", "4"], "city": ["x", "y"]})
    samples = Columns(
        {"table": table, "user": torch.tensor([7, 8]), "image": torch.zeros(2, 1, 4, 4)},
        {"label": ["a", "b"]},
        others={"patient": [1, 1]},
    )
    columns = samples.columns()
    assert sorted(columns) == ["age", "city", "label", "patient", "user"]
    assert {name: values_of(column) for name, column in columns.items()} == {
        "age": ["3", "4"],
        "city": ["x", "y"],
        "label": ["a", "b"],
        "patient": [1, 1],
        "user": [7, 8],
    }
    assert values_of(samples.take(torch.tensor([1])).columns()["city"]) == ["y"]
    assert samples.take(torch.tensor([1, 0])).others == {"patient": [1, 1]}
