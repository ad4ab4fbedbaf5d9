"""Numbers as people write them, and dates."""

import pytest

from dltk.data.tables.spelling import comma_hint, is_date, misplaced_point, with_point


def test_a_number_comes_out_as_python_reads_it_and_a_text_as_it_is():
    assert with_point("1.234.567,8", ",", ".") == "1234567.8"
    assert with_point("12,5", ",", None) == "12.5"
    assert with_point("1,000", ".", None) == "1,000"
    assert with_point("12.34,5", ",", ".") == "12.34,5"


def test_a_point_is_misplaced_in_a_number_with_a_decimal_comma_unless_it_cuts_thousands():
    assert misplaced_point("1.234", ",", None)
    assert misplaced_point("1.5", ",", ".")
    assert not misplaced_point("1.234", ",", ".")
    assert not misplaced_point("1.5", ".", None)
    assert not misplaced_point("v1.5", ",", None)


def test_commas_between_thousands_are_told_from_decimal_ones():
    assert comma_hint(["1,000", "-12,345,678", "1,000.5"]) == 'set thousands: ","'
    assert comma_hint(["0,123", "1,500"]) == comma_hint([",5", "1,0000"]) == 'set decimal: ","'
    assert comma_hint(["1,000", "1,2,3"]) == comma_hint(["1,000", "a,5"]) == comma_hint(["5"]) == comma_hint([]) == ""


@pytest.mark.parametrize(
    "text", ["1981-01-01", "1949-01", "2024/3/9", "31.12.1999", "12/31/99", "2024-Jan", "2024년 3월"]
)
def test_dates_and_months_are_dates(text):
    assert is_date(text)
    assert is_date(f"{text} 09:30:00")


@pytest.mark.parametrize("text", ["1981", "20240101", "2024-13-01", "010-1234-5678", "3.14", "192.168.0.1", "1-2", ""])
def test_other_numbers_with_marks_are_none(text):
    assert not is_date(text)
