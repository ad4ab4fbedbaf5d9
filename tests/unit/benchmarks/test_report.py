"""The page about performance says what the measurements say."""

from benchmarks.goals import GOALS
from benchmarks.growth import exponent, growth_table
from benchmarks.records import Records, Row
from benchmarks.report import PAGE, PICTURE, all_records, rendered
from benchmarks.tables import goal_table, step_table


def test_the_page_agrees_with_the_measurements():
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(page, all_records()) == page, "run scripts/benchmark --report"


def test_the_picture_that_the_page_shows_is_there():
    assert PICTURE.read_bytes().startswith(b"\x89PNG")


def test_every_file_says_on_which_machine_and_from_which_code():
    assert all_records()
    for records in all_records():
        assert all(records.header[name] for name in ("cpu", "cores", "torch", "commit", "command", "experiments"))


def test_no_round_of_a_contestant_stands_in_two_files():
    keys = [
        (row.kind, row.case, row.threads, row.round, row.contestant)
        for records in all_records()
        for row in records.rows
        if not row.error
    ]
    assert len(keys) == len(set(keys))


def test_a_missed_goal_is_called_missed_and_one_that_was_not_measured_stays_in_the_table():
    rows = [Row("step", "a", name, 1, 1, seconds, seconds) for name, seconds in (("opt", 1.0), ("dltk", 0.9))]
    lines = goal_table(rows)
    (measured,) = [line for line in lines if line.startswith("| a: dltk, time over hand-written loop |")]
    assert measured.endswith("| missed |")
    assert sum(line.endswith("| not measured |") for line in lines) == len(GOALS) - 1


def test_a_contestant_that_failed_stands_in_the_table_with_its_error():
    rows = [Row("step", "a", "opt", 1, 1, 1.0, 1.0, 10), Row.failed("a", "dltk", 1, "no memory")]
    assert [line for line in step_table(rows) if "failed: no memory" in line]


def test_only_marked_parts_of_a_page_change():
    page = "before\n<!-- goals -->\nold\n<!-- end -->\nafter\n"
    text = rendered(page, [Records({}, [])])
    assert text.startswith("before\n<!-- goals -->\n| goal |")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text


def grown(quantity: str, costs: dict[int, tuple[float, float]]) -> list[Row]:
    return [
        Row("scaling", f"{quantity}_{value}", "dltk", 1, 1, cost, cost, 1, 0.1, memory)
        for value, (cost, memory) in costs.items()
    ]


def test_linear_growth_has_the_exponent_one_and_meets_the_goal():
    rows = grown("rows", {6_000: (1.0, 100.0), 19_000: (19 / 6, 120.0), 60_000: (10.0, 200.0)})
    assert growth_table(rows)[-1] == "| 6,000 rows | 60,000 | 10 | 1.00 | 2 | met |"
    assert round(exponent({1: 1.0, 10: 100.0}), 6) == 2.0


def test_more_than_linear_growth_misses_the_goal():
    assert growth_table(grown("rows", {6_000: (1.0, 100.0), 60_000: (10.6, 100.0)}))[-1].endswith("| missed |")


def test_memory_that_grows_with_epochs_misses_the_goal():
    assert growth_table(grown("epochs", {1: (1.0, 100.0), 10: (10.0, 106.0)}))[-1].endswith("| missed |")
