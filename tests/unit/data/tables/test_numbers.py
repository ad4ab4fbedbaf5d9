"""Numbers in cells, and scales that are more than a line."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from dltk.config.errors import DataError
from dltk.data.samples import Columns
from dltk.data.tables.numbers import Bins, Line, Ranks, fit_scale, number, numbers
from tests.problems import told

SKEWED = np.array([0.0, 0, 0, 0, 1, 2, 4, 8, 16, 32])


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


def test_a_cell_that_is_no_number_is_refused_with_its_row_and_column():
    cells = ["1", None, "x"]
    with pytest.raises(DataError) as caught:
        numbers("age", cells, Columns({"age": cells}, {}, ["row 1", "row 2", "row 3"]))
    assert [told(problem) for problem in caught.value.problems] == [
        "age: row 3: a value is not a finite number (found 'x')"
    ]


def test_a_value_fills_the_bins_below_it_and_a_part_of_its_own():
    """The example of Gorishniy et al. 2022, figure 1: a value in the middle of the third of four bins."""
    assert Bins((0.0, 1.0, 2.0, 4.0, 8.0)).encode(np.array([3.0])).tolist() == [[1, 1, 0.5, 0]]


def test_outer_bins_go_on_as_lines():
    assert Bins((0.0, 1.0, 3.0)).encode(np.array([-2.0, 5.0])).tolist() == [[-2, 0], [1, 2]]
    assert Bins((0.0, 2.0)).encode(np.array([-2.0, 1.0, 4.0])).tolist() == [[-1], [0.5], [2]]


def test_bins_are_cut_at_quantiles():
    values = np.random.default_rng(0).normal(size=100)
    assert fit_scale(np.arange(9.0), "piecewise_linear", 4) == Bins((0.0, 2.0, 4.0, 6.0, 8.0))
    assert fit_scale(values, "piecewise_linear", 32) == Bins(tuple(np.quantile(values, np.linspace(0, 1, 33)).tolist()))


def test_a_value_that_fills_a_bin_is_an_edge_and_the_others_share_the_rest():
    """Of 10 rows for 3 bins, 4 are 0; the median of the other 6 is 6."""
    assert fit_scale(SKEWED, "piecewise_linear", 3) == Bins((0.0, 1.0, 6.0, 32.0))


def test_few_different_values_are_all_edges():
    assert fit_scale(np.array([1.0, 1, 1, 0, 0, 3]), "piecewise_linear", 32) == Bins((0.0, 1.0, 3.0))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.integers(2, 8))
def test_the_encoding_of_training_rows_lies_in_0_to_1_and_never_falls_with_the_value(values, num_bins):
    rows = np.sort(np.array(values))
    scale = fit_scale(rows, "piecewise_linear", num_bins)
    encoded = scale.encode(rows)
    assert encoded.shape == (len(rows), scale.size)
    assert (np.diff(encoded, axis=0) >= 0).all()
    assert isinstance(scale, Line) or (encoded.min() >= 0 and encoded.max() <= 1)


def test_ranks_are_those_of_scikit_learn():
    values = np.exp(np.random.default_rng(0).normal(size=(60, 1)))
    reference = QuantileTransformer(n_quantiles=60, output_distribution="normal").fit(values)
    ranks, others = fit_scale(values[:, 0], "quantile_normal", 32), np.linspace(0, 4, 50)[:, None]
    np.testing.assert_allclose(ranks.encode(others[:, 0]), reference.transform(others), atol=1e-6)


def test_a_value_that_many_rows_share_has_the_middle_of_its_ranks():
    ranks = fit_scale(np.array([1.0, 2, 2, 2, 3]), "quantile_normal", 32)
    assert ranks.encode(np.array([2.0])).item() == 0


def test_ranks_beyond_the_training_rows_stay_finite():
    ranks = fit_scale(np.arange(100.0), "quantile_normal", 32)
    encoded = ranks.encode(np.array([-1e30, 49.5, 1e30]))[:, 0]
    assert isinstance(ranks, Ranks)
    assert encoded == pytest.approx([-5.1993, 0, 5.1993], abs=1e-4)  # the deviation with a tail of 1e-7


def test_a_robust_scale_does_not_see_outliers():
    values = np.array([1.0, 2, 3, 4, 5])
    assert fit_scale(values, "robust", 32) == fit_scale(np.array([1.0, 2, 3, 4, 1e6]), "robust", 32) == Line(3.0, 2.0)


def test_a_robust_scale_of_mostly_equal_values_divides_by_1():
    assert fit_scale(np.array([5.0, 5, 5, 5, 9]), "robust", 32) == Line(5.0, 1.0)
