"""Typed columns: what is fitted, how cells are encoded."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from dltk.config.errors import DataError, OptionError
from dltk.data.samples import Columns
from dltk.data.tables.columns import (
    CategoryColumn,
    HashedColumn,
    NumberColumn,
    OrdinalColumn,
    TableColumn,
    fit_column,
    in_natural_order,
    restore_column,
)
from dltk.data.tables.numbers import Cells
from dltk.data.tables.options import ColumnOptions, Encode, Scaling, TableOptions
from dltk.data.tables.statuses import STATUSES
from tests.problems import told

HASHED = [0, 3, 0]
"""The first 8 bytes of BLAKE2b, as a big-endian number modulo 4: `b2sum -l 64` of Seoul, Busan, Rome."""


@pytest.mark.parametrize(
    ("scaling", "scaler"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
    ],
)
def test_numbers_are_imputed_and_scaled_as_scikit_learn_does(scaling, scaler):
    cells = ["3", None, "-1.5", "10", "4", None, "1e3"]
    values = np.array([[math.nan if cell is None else float(cell)] for cell in cells])
    expected = scaler.fit_transform(SimpleImputer(strategy="median").fit_transform(values))
    encoded = _fit(cells, TableOptions(scaling=scaling)).encode(cells)
    np.testing.assert_allclose(encoded[:, :1], expected, rtol=1e-6)
    assert encoded[:, 1].tolist() == [0, 1, 0, 0, 0, 1, 0]


def test_without_scaling_values_stay():
    assert _fit(["1", "2.5"], TableOptions(scaling="none")).encode(["2.5", "7"]).tolist() == [[2.5], [7.0]]


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


@pytest.mark.parametrize("scaling", get_args(Scaling))
@pytest.mark.parametrize("cells", [["0.1"] * 10, ["5", None, "5"], [None, None], ["-3.4e38", "3.4e38"]])
def test_every_training_column_stays_finite(cells, scaling):
    column = _fit(cells, TableOptions(scaling=scaling, num_bins=4))
    assert isinstance(column, NumberColumn)
    assert np.isfinite(column.encode(cells)).all()


@pytest.mark.parametrize("scaling", set(get_args(Scaling)) - {"none"})
def test_a_constant_column_becomes_zero(scaling):
    assert not _fit(["0.1"] * 10, TableOptions(scaling=scaling)).encode(["0.1"]).any()


def test_one_text_makes_a_column_categories():
    assert _fit(["1", "2", "x"]) == CategoryColumn("a", ("1", "2", "x"))


def test_an_infinite_cell_is_refused_with_its_row():
    with pytest.raises(DataError) as caught:
        _fit(["1", "1e400", "-inf"])
    assert [(problem.key, problem.found) for problem in caught.value.problems] == [("a", "'1e400'"), ("a", "'-inf'")]


def test_numbers_named_as_categories_are_categories_in_the_order_of_numbers():
    assert _fit(["10", "9"], TableOptions(categories=("a",))) == CategoryColumn("a", ("9", "10"))


def test_of_too_many_categories_the_most_frequent_stay():
    column = _fit(["d", "c", "c", "b", "a", "a"], TableOptions(max_categories=3))
    assert column == CategoryColumn("a", ("a", "b", "c"))


def test_names_are_sorted_as_numbers_only_if_all_are():
    assert in_natural_order(["10", "9", "9"]) == ["9", "10"]
    assert in_natural_order(["10", "9", "x"]) == ["10", "9", "x"]


def test_each_cell_has_its_status():
    numbers, categories = _fit(["1", "2"]), _fit(["x", "y"])
    assert _words(numbers, ["1", None, "x", "1e999", "9"]) == ["ok", "missing", "invalid", "invalid", "ok"]
    assert _words(categories, ["x", None, "z"]) == ["ok", "missing", "unknown_category"]


@pytest.mark.parametrize("cells", [["1", None, "3"], ["b", "a", None]])
@pytest.mark.parametrize("scaling", get_args(Scaling))
@pytest.mark.parametrize("encode", get_args(Encode))
def test_a_column_comes_back_from_its_state(cells, scaling, encode):
    column = _fit(cells, TableOptions(scaling=scaling, encode=encode, clip=2.5, transform="log1p"))
    restored = restore_column(json.loads(json.dumps(column.state())))
    assert restored == column
    assert np.array_equal(restored.encode(cells), column.encode(cells))
    assert column.spec.size == column.encode(cells).shape[1]


def test_amounts_pass_a_logarithm_before_they_are_scaled():
    cells = ["0", "9", "99", None]
    expected = StandardScaler().fit_transform(np.log1p(np.array([[0.0], [9], [99], [9]])))
    encoded = _fit(cells, TableOptions(transform="log1p")).encode(cells)
    np.testing.assert_allclose(encoded[:, :1], expected, rtol=1e-6)


@pytest.mark.parametrize("scaling", get_args(Scaling))
def test_what_has_no_logarithm_is_refused_in_training_and_invalid_later(scaling):
    options = TableOptions(scaling=scaling, transform="log1p", clip=1.0)
    with pytest.raises(DataError, match="log1p") as caught:
        _fit(["1", "-1", "2"], options)
    assert told(caught.value.problems[0]).startswith("a: row 1: a value is -1 or less")
    assert _words(_fit(["1", "2", "3"], options), ["-1", "-2", "0", "1e999"]) == ["invalid", "invalid", "ok", "invalid"]


@pytest.mark.parametrize("scaling", ["standard", "robust", "piecewise_linear"])
def test_clip_limits_what_comes_out_of_scaling(scaling):
    column = _fit(["1", "2", "3"], TableOptions(scaling=scaling, num_bins=2, clip=2.0))
    assert np.abs(column.encode(["1e9", "-1e9"])).max() == 2


def test_ordered_categories_have_a_place_from_0_to_1_and_a_mark_for_others():
    cells = ["M", "S", "L", None]
    column = _fit(cells, _own(encode="ordinal", order=("S", "M", "L")))
    assert column.encode([*cells, "XL"]).tolist() == [[0.5, 0], [0, 0], [1, 0], [0, 1], [0, 1]]
    assert _words(column, ["S", "XL", None]) == ["ok", "unknown_category", "missing"]


def test_the_default_order_is_that_of_scikit_learn():
    cells = ["b", "a", "c", "a"]
    expected = OrdinalEncoder().fit_transform([[cell] for cell in cells])
    np.testing.assert_array_equal(_fit(cells, TableOptions(encode="ordinal")).encode(cells)[:, :1] * 2, expected)


def test_an_order_that_lacks_a_category_is_refused():
    with pytest.raises(OptionError, match="it lacks 'XL'") as caught:
        _fit(["S", "XL"], _own(encode="ordinal", order=("S", "M")))
    assert caught.value.path == ("columns", "a", "order")


def test_categories_are_hashed_alike_in_every_process_and_none_is_unknown():
    column = _fit(["Seoul", "Busan"], TableOptions(encode="hashing", num_buckets=4))
    assert column == HashedColumn("a", 4)
    assert column.encode(["Seoul", "Busan", "Rome", None]).argmax(axis=1).tolist() == [*HASHED, 4]
    assert _words(column, ["Rome", None]) == ["ok", "missing"]


def test_buckets_are_filled_evenly():
    column = _fit(["x", "y"], TableOptions(encode="hashing", num_buckets=8))
    counts = column.encode([f"word {i}" for i in range(4000)]).sum(axis=0)[:-1]
    assert counts.min() > 400  # 500 each, and a deviation of 21


def test_rare_categories_count_as_one():
    cells = ["a", "a", "b", "b", "c"]
    assert _fit(cells, TableOptions(min_count=2)) == CategoryColumn("a", ("a", "b"))
    assert _fit(cells, TableOptions(encode="ordinal", min_count=2)) == OrdinalColumn("a", ("a", "b"))


def test_a_column_has_its_own_options_before_the_common_ones():
    options = _own(scaling="none", clip=9.0)
    assert _fit(["1", "20"], options).encode(["1", "20"]).tolist() == [[1], [9]]
    other = fit_column("b", ["1", "2"], options, Columns({"b": ["1", "2"]}, {}))
    assert other.encode(["1", "2"]).tolist() == [[-1], [1]]


def test_options_of_categories_make_a_column_categories():
    assert _fit(["2", "1"], _own(max_categories=9)) == CategoryColumn("a", ("1", "2"))


def test_a_text_in_a_column_with_options_of_numbers_is_refused_with_its_row():
    with pytest.raises(DataError) as caught:
        _fit(["1", "x"], _own(scaling="none"))
    assert [told(problem) for problem in caught.value.problems] == [
        "a: row 1: a value is not a finite number (found 'x')"
    ]


def _fit(cells: Cells, options: TableOptions | None = None) -> TableColumn:
    rows = Columns({"a": cells}, {}, [f"row {i}" for i in range(len(cells))])
    return fit_column("a", cells, options or TableOptions(), rows)


def _words(column: TableColumn, cells: Cells) -> list[str]:
    return [STATUSES[severity] for severity in column.severities(cells)]


def _own(**options: Any) -> TableOptions:
    return TableOptions(columns={"a": ColumnOptions(**options)})
