"""Typed columns: what is a number, what is fitted, how cells are encoded."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from dltk.config.errors import DataError
from dltk.data.table_columns import (
    STATUSES,
    CategoryColumn,
    Cells,
    Encoding,
    NumberColumn,
    TableColumn,
    fit_column,
    in_natural_order,
    number,
    restore_column,
)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1), ("-1.5", -1.5), ("+.5", 0.5), ("1.", 1), ("1e3", 1000), ("2E-1", 0.2), ("007", 7)],
)
def test_a_number_is_read(cell, value):
    assert number(cell) == value


@pytest.mark.parametrize("cell", ["1e400", "-1e39", "inf", "-Infinity"])
def test_a_number_beyond_float32_is_infinite(cell):
    assert number(cell) == math.inf


@pytest.mark.parametrize("cell", ["", "x", "1_000", "1,5", "0x10", "1 2", "nan", "True", "e3", ".", "\u0661", "--1"])
def test_what_is_no_number_is_not_read_as_one(cell):
    assert math.isnan(number(cell))


@pytest.mark.parametrize(("scaling", "scaler"), [("standard", StandardScaler()), ("minmax", MinMaxScaler())])
def test_numbers_are_imputed_and_scaled_as_scikit_learn_does(scaling, scaler):
    cells = ["3", None, "-1.5", "10", "4", None, "1e3"]
    values = np.array([[math.nan if cell is None else float(cell)] for cell in cells])
    expected = scaler.fit_transform(SimpleImputer(strategy="median").fit_transform(values))
    encoded = _fit(cells, Encoding(scaling)).encode(cells)
    np.testing.assert_allclose(encoded[:, :1], expected, rtol=1e-6)
    assert encoded[:, 1].tolist() == [0, 1, 0, 0, 0, 1, 0]


def test_without_scaling_values_stay():
    assert _fit(["1", "2.5"], Encoding("none")).encode(["2.5", "7"]).tolist() == [[2.5], [7.0]]


def test_categories_are_encoded_as_scikit_learn_does():
    cells = ["b", "a", "c", "a"]
    expected = OneHotEncoder(sparse_output=False).fit_transform([[cell] for cell in cells])
    encoded = _fit(cells).encode(cells)
    np.testing.assert_array_equal(encoded[:, :3], expected)
    assert not encoded[:, 3].any()


def test_unseen_and_missing_categories_share_the_last_input():
    assert _fit(["b", "a"]).encode(["z", None, "b"]).tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 0]]


def test_the_missing_mark_exists_only_where_training_rows_lack_values():
    assert _fit(["1", "2"]).encode([None]).shape == (1, 1)
    assert _fit(["1", None]).encode(["1"]).shape == (1, 2)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
@pytest.mark.parametrize("cells", [["0.1"] * 10, ["5", None, "5"], [None, None], ["-3.4e38", "3.4e38"]])
def test_every_training_column_stays_finite(cells, scaling):
    column = _fit(cells, Encoding(scaling))
    assert isinstance(column, NumberColumn)
    assert np.isfinite(column.encode(cells)).all()


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_a_constant_column_becomes_zero(scaling):
    assert not _fit(["0.1"] * 10, Encoding(scaling)).encode(["0.1"]).any()


def test_one_text_makes_a_column_categories():
    assert _fit(["1", "2", "x"]) == CategoryColumn("a", ("1", "2", "x"))


def test_an_infinite_cell_is_refused_with_its_row():
    with pytest.raises(DataError) as caught:
        _fit(["1", "1e400", "-inf"])
    assert "row 1, column 'a': '1e400'; row 2, column 'a': '-inf'" in str(caught.value)


def test_numbers_named_as_categories_are_categories_in_the_order_of_numbers():
    assert _fit(["10", "9"], Encoding(categories=("a",))) == CategoryColumn("a", ("9", "10"))


def test_of_too_many_categories_the_most_frequent_stay():
    column = _fit(["d", "c", "c", "b", "a", "a"], Encoding(max_categories=3))
    assert column == CategoryColumn("a", ("a", "b", "c"))


def test_names_are_sorted_as_numbers_only_if_all_are():
    assert in_natural_order(["10", "9", "9"]) == ["9", "10"]
    assert in_natural_order(["10", "9", "x"]) == ["10", "9", "x"]


def test_each_cell_has_its_status():
    numbers, categories = _fit(["1", "2"]), _fit(["x", "y"])
    assert _words(numbers, ["1", None, "x", "1e999", "9"]) == ["ok", "missing", "invalid", "invalid", "ok"]
    assert _words(categories, ["x", None, "z"]) == ["ok", "missing", "unknown_category"]


@pytest.mark.parametrize("cells", [["1", None, "3"], ["b", "a", None]])
def test_a_column_comes_back_from_its_state(cells):
    column = _fit(cells)
    assert restore_column(column.state()) == column
    assert column.spec.size == column.encode(cells).shape[1]


def _fit(cells: Cells, encoding: Encoding | None = None) -> TableColumn:
    return fit_column("a", cells, encoding or Encoding(), [f"row {i}" for i in range(len(cells))])


def _words(column: TableColumn, cells: Cells) -> list[str]:
    return [STATUSES[severity] for severity in column.severities(cells)]
