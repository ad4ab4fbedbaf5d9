"""Options of columns: which go together, and to which column they belong."""

from __future__ import annotations

import pytest

from dltk.config.errors import OptionError
from dltk.data.tables.options import TableOptions

NAMES = ("age", "city", "size")


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"columns": {"agee": {"scaling": "none"}}}, ("columns", "agee"), "did you mean 'age'"),
        ({"columns": {"price": {"scaling": "none"}}}, ("columns", "price"), "is the target"),
        ({"drop": ["age"], "columns": {"age": {"clip": 3.0}}}, ("columns", "age"), "is left out by drop"),
        ({"drop": ["age"], "categories": ["age"]}, ("categories", 0), "is left out by drop"),
        ({"drop": ["age", "city", "size"]}, ("drop",), "no column to learn from"),
        ({"columns": {"age": {"clip": 3.0, "encode": "one_hot"}}}, ("columns", "age"), "do not go together"),
        ({"columns": {"age": {"clip": 3.0}}, "categories": ["age"]}, ("columns", "age"), "categories names it too"),
        ({"columns": {"age": {"num_bins": 8}}}, ("columns", "age", "num_bins"), "needs scaling: piecewise_linear"),
        ({"columns": {"city": {"num_buckets": 8}}}, ("columns", "city", "num_buckets"), "needs encode: hashing"),
        ({"columns": {"size": {"order": ["S", "M"]}}}, ("columns", "size", "order"), "the column has one_hot"),
        (
            {"columns": {"city": {"encode": "hashing", "min_count": 2}}},
            ("columns", "city", "min_count"),
            "needs encode: one_hot or ordinal; the column has hashing",
        ),
    ],
)
def test_an_option_that_does_not_fit_is_refused_at_its_place(options, path, message):
    with pytest.raises(OptionError, match=message) as caught:
        TableOptions.parse(options).check([*NAMES, "price"], {"price": "the target"})
    assert caught.value.path == path


def test_an_option_of_one_column_may_rely_on_a_common_one():
    options = {"scaling": "piecewise_linear", "encode": "hashing"}
    own = {"age": {"num_bins": 8}, "city": {"num_buckets": 8}}
    TableOptions.parse({**options, "columns": own}).check(NAMES, {})


def test_what_a_column_leaves_out_is_as_for_all():
    options = TableOptions.parse({"scaling": "robust", "clip": 4.0, "columns": {"age": {"clip": 2.0}}})
    assert (options.of("age").scaling, options.of("age").clip) == ("robust", 2.0)
    assert options.of("city").clip == 4.0


def test_options_say_what_a_column_is():
    columns = {"age": {"transform": "log1p"}, "city": {"encode": "hashing"}, "size": {}}
    options = TableOptions.parse({"columns": columns, "categories": ["size"]})
    assert [options.kind_of(name) for name in (*NAMES, "other")] == ["numbers", "categories", "categories", None]
