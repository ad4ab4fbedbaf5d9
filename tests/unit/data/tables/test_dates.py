"""Columns of dates: what counts as one, and what a model sees of it."""

import datetime
import math

import numpy as np
import pytest

from dltk.data.samples import Columns
from dltk.data.tables.columns import fit_column, restore_column
from dltk.data.tables.dates import DateColumn, moment, moments, order_of
from dltk.data.tables.options import TableOptions

DAYS = [(datetime.date(2024, 1, 1) + datetime.timedelta(days=day)).isoformat() for day in range(400)]


def fitted(cells, **options):
    rows = Columns({"when": cells}, {}, [f"row {i}" for i in range(len(cells))])
    return fit_column("when", cells, TableOptions.parse(options), rows)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-11-28", datetime.date(2026, 11, 28)),
        ("2026/1/2", datetime.date(2026, 1, 2)),
        ("2026.11.28.", datetime.date(2026, 11, 28)),
        ("2026-Nov-28", datetime.date(2026, 11, 28)),
        ("1949-01", datetime.date(1949, 1, 1)),
        ("2026년 11월 28일", datetime.date(2026, 11, 28)),
    ],
)
def test_a_date_is_its_day(cell, day):
    assert moment(cell, "year first") == day.toordinal()


@pytest.mark.parametrize(("cell", "hours"), [("2026-11-28 06:00", 6), ("2026-11-28T18:30:00", 18.5)])
def test_a_time_of_day_is_a_part_of_it(cell, hours):
    assert moment(cell, "year first") % 1 == pytest.approx(hours / 24)


@pytest.mark.parametrize("cell", ["2026-02-30", "2026-13-01", "2026-11-28 25:00", "28-11-2026", "soon", "2026", "5.5"])
def test_what_is_no_date_has_no_moment(cell):
    assert math.isnan(moment(cell, "year first"))


def test_day_and_month_are_told_apart_by_the_whole_column():
    assert order_of(["03/04/2026", "28/04/2026"]) == "day first"
    assert order_of(["03/04/2026", "04/28/2026"]) == "month first"
    assert order_of(["03/04/2026", "05/06/2026"]) is None
    assert order_of(["28/04/2026", "04/28/2026"]) is None


def test_a_column_is_dates_unless_the_options_say_otherwise():
    assert isinstance(fitted(DAYS), DateColumn)
    assert not isinstance(fitted(DAYS, categories=["when"]), DateColumn)
    assert not isinstance(fitted([*DAYS, "soon"]), DateColumn)


def test_lateness_has_mean_0_and_deviation_1():
    late = fitted(DAYS).encode(DAYS)[:, 0]
    assert late.mean() == pytest.approx(0, abs=1e-6)
    assert late.std() == pytest.approx(1, abs=1e-5)
    assert (np.diff(late) > 0).all()


def test_the_same_day_of_the_year_is_the_same_season_and_a_weekday_is_one_of_seven():
    column = fitted(DAYS)
    assert column.parts == ("season", "weekday")
    a, b = column.encode(["2024-03-01", "2025-03-01"])
    assert a[1:3] == pytest.approx(b[1:3], abs=0.02)
    assert column.encode(DAYS)[:, 3:].sum(axis=1).tolist() == [1] * len(DAYS)
    monday, next_monday = column.encode(["2024-01-01", "2024-01-08"])
    assert monday[3:].tolist() == next_monday[3:].tolist()


def test_only_what_differs_is_told():
    months = [f"{year}-{month:02}" for year in (1949, 1950) for month in range(1, 13)]
    assert fitted(months).parts == ("season",)
    assert fitted([f"2024-01-01 {hour:02}:00" for hour in range(24)]).parts == ("hour",)
    assert fitted(["2024-01-01"] * 3).encode(["2024-01-01"]).tolist() == [[0.0]]


def test_a_missing_date_is_filled_in_and_marked_and_a_wrong_one_is_invalid():
    column = fitted([*DAYS, None])
    encoded = column.encode([None, "2024-02-30", DAYS[0]])
    assert encoded[0, -1] == 1
    assert encoded[2, -1] == 0
    assert np.isfinite(encoded[0]).all()
    assert np.isnan(encoded[1][:-1]).all()
    assert column.severities([None, "2024-02-30", DAYS[0]]).tolist() == [1, 3, 0]


def test_a_column_comes_back_from_its_state():
    column = fitted([*DAYS, None])
    assert restore_column(column.state()) == column
    assert column.spec.size == column.encode(DAYS).shape[1]


def test_rows_are_sorted_by_dates_or_by_numbers():
    numbers, days = moments(["3", "1.5", None]), moments(DAYS)
    assert numbers is not None
    assert days is not None
    assert numbers[:2].tolist() == [3, 1.5]
    assert set(np.diff(days).tolist()) == {1}
    assert moments(["a", "b"]) is None
    assert moments([None]) is None
