"""Boston housing as data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltk.config.errors import DataError, MissingInput
from dltk.data.batches import Loading
from dltk.data.tables.preparation import TABLE
from dltk.datasets import boston

HOUSING = Path(os.environ.get("DLTK_DATA", "")) / "boston-housing" / "housing.csv"
NAMES = ["CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT"]
VALUES = np.arange(20 * 14, dtype=float).reshape(20, 14)
KERAS_ORDER = [14, 11, 19, 17, 1, 4, 8, 3, 13, 15, 16, 9, 0, 7, 6, 18, 12, 10, 2, 5]


@pytest.fixture
def root(tmp_path):
    """Return a folder with the table as Keras has it."""
    np.savez(tmp_path / "boston_housing.npz", x=VALUES[:, :-1], y=VALUES[:, -1])
    return tmp_path


def test_the_last_fifth_in_the_order_of_keras_is_the_test_part(root):
    parts = boston.read(_config(root)).parts
    assert parts["train"].names == [f"row {i + 1}" for i in KERAS_ORDER[:16]]
    assert parts["test"].names == [f"row {i + 1}" for i in KERAS_ORDER[16:]]
    assert [float(value) for value in parts["test"].targets["MEDV"]] == VALUES[KERAS_ORDER[16:], -1].tolist()


def test_a_csv_file_is_the_same_as_the_arrays(root):
    arrays = boston.read(_config(root)).parts["train"]
    folder = root / "other" / "boston-housing"
    folder.mkdir(parents=True)
    lines = [",".join([*NAMES, "MEDV"]), *(",".join(map(str, row)) for row in VALUES)]
    (folder / "housing.csv").write_text("\n".join(lines))
    table = boston.read(_config(root / "other")).parts["train"]
    assert list(table.names) == list(arrays.names)
    assert list(table.targets["MEDV"]) == list(arrays.targets["MEDV"])
    assert list(table.inputs[TABLE].itertuples()) == list(arrays.inputs[TABLE].itertuples(index=False, name=None))


def test_a_random_split_is_left_to_test_fraction(root):
    assert list(boston.read(_config(root, split="random")).parts) == ["train"]


def test_every_read_says_what_column_b_is(root):
    notes = boston.read(_config(root)).notes
    assert "column B" in notes[0]
    assert "encodes race" in notes[0]
    assert "removed these data in 1.2" in notes[0]
    assert notes[1] == "not the 506 rows of the original: 20"


def test_column_b_can_be_left_out(root):
    config = _config(root, drop=["B"])
    table: Any = boston.describe(config).input
    assert [column.name for column in table.columns] == [name for name in NAMES if name != "B"]
    assert list(boston.read(config).parts["train"].inputs[TABLE]) == [column.name for column in table.columns]


def test_columns_and_target_are_scaled_by_the_training_rows(root):
    config = _config(root)
    train = boston.read(config).parts["train"]
    prepared: Any = boston.prepare(config, train)
    batch: Any = prepared.parse(train, Loading()).whole()
    assert batch.inputs.mean(0).tolist() == pytest.approx([0] * 13, abs=1e-6)
    assert prepared.spec.target.means == pytest.approx((VALUES[KERAS_ORDER[:16], -1].mean(),))
    assert boston.restore(config, prepared.state()) == prepared


def test_arrays_of_other_shapes_are_refused(tmp_path):
    np.savez(tmp_path / "boston_housing.npz", x=VALUES, y=VALUES[:, -1])
    with pytest.raises(DataError, match="shapes") as caught:
        boston.read(_config(tmp_path))
    (problem,) = caught.value.problems
    assert problem.found == "x [20, 14], y [20]"
    assert str(problem.position) == f"{tmp_path}/boston_housing.npz, x, y"


def test_a_table_without_its_columns_is_refused(tmp_path):
    (tmp_path / "housing.csv").write_text("CRIM,ZN\n1,2\n")
    with pytest.raises(DataError, match="lacks columns") as caught:
        boston.read(_config(tmp_path))
    assert caught.value.found == "columns CRIM, ZN"


def test_a_file_that_is_nowhere_is_asked_for_by_its_names(tmp_path):
    with pytest.raises(MissingInput) as caught:
        boston.describe(_config(tmp_path / "nowhere"))
    assert "boston-housing/housing.csv" in caught.value.expected


@pytest.mark.skipif(not HOUSING.is_file(), reason="needs boston-housing/housing.csv in $DLTK_DATA")
def test_the_split_is_that_of_keras():
    """The rows are those that printouts of keras.datasets.boston_housing.load_data() show."""
    source = boston.read(_config(HOUSING.parent.parent))
    train, test = source.parts["train"], source.parts["test"]
    assert (len(train), len(test)) == (404, 102)
    first = [float(cell) for cell in next(train.inputs[TABLE].itertuples())]
    assert first == [1.23247, 0, 8.14, 0, 0.538, 6.142, 91.7, 3.9769, 4, 307, 21, 396.9, 18.72]
    prices = [float(value) for value in train.targets["MEDV"]]
    assert prices[:9] == [15.2, 42.3, 50.0, 21.1, 17.7, 18.5, 11.3, 15.6, 15.6]
    assert prices[-3:] == [19.4, 19.4, 29.1]
    assert float(test.targets["MEDV"][0]) == 7.2
    assert len(source.notes) == 1


def _config(root: Path, **options: Any) -> boston.Config:
    return boston.Config.parse({"root": str(root), **options})
