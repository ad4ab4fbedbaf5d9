"""Columns by name or by number."""

import pytest

from dltk.config.errors import OptionError
from dltk.data.tables.headers import is_number_name, name_of


def test_a_number_names_a_column_only_where_there_is_no_header():
    assert name_of("age", "target", None) == "age"
    assert name_of(1, "target", ("age", "price")) == "price"
    assert name_of(2, "target", ()) == "c2"
    with pytest.raises(OptionError, match="without a header line set header: false; found 2") as caught:
        name_of(2, "target", None)
    assert caught.value.path == ("target",)


def test_a_header_of_numbers_may_be_data():
    assert all(map(is_number_name, ["3", "-0.17", " 5.1 ", "+2."]))
    assert not any(map(is_number_name, ["", "age", "1e", "3.1.4", "c0"]))
