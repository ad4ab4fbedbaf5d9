"""The page about performance says what the measurements say."""

from benchmarks.goals import GOALS
from benchmarks.growth import exponent, growth_table
from benchmarks.parts import REST, part_of
from benchmarks.records import Records, Row
from benchmarks.report import PAGE, PICTURE, all_records, rendered
from benchmarks.tables import (
    bare_table,
    convolution_table,
    fastest_peers,
    goal_table,
    part_table,
    peer_table,
    product_table,
    step_table,
)


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


def compared_words(score: float, loss: float) -> str:
    rows = [
        Row("step", "words", "gensim", 1, 1, 1.0, 1.0, None, 2.5, score=0.2),
        Row("step", "words", "dltk", 1, 1, 0.5, 0.5, 100, loss, score=score),
    ]
    (line,) = [line for line in goal_table(rows) if line.startswith("| words: dltk, time over gensim |")]
    return line.split("|")[-2].strip()


def test_speed_counts_where_what_was_learned_is_as_good():
    assert compared_words(0.2, 2.5) == "met"
    assert compared_words(0.19, 2.5) == "missed: score of what is held out is worse"
    assert compared_words(0.2, 2.6) == "missed: loss of what is held out is worse"


def test_who_does_not_count_steps_has_no_time_per_step():
    rows = [Row("step", "words", "opt", 1, 1, 1.0, 1.0, 10, 2.0), Row("step", "words", "gensim", 1, 1, 2.0, 2.0)]
    (line,) = [line for line in peer_table(rows) if "| gensim |" in line]
    assert line == "| words | 1 | gensim |  | 2 (2-2) | 2 (2-2) |  |"


def test_a_contestant_that_failed_stands_in_the_table_with_its_error():
    rows = [Row("step", "a", "opt", 1, 1, 1.0, 1.0, 10), Row.failed("a", "dltk", 1, "no memory")]
    assert [line for line in step_table(rows) if "failed: no memory" in line]


def test_the_fastest_library_is_chosen_anew_in_each_round_among_those_that_train_networks():
    seconds = {"dltk": (1.0, 1.0), "lightning": (2.0, 4.0), "keras_jax": (4.0, 2.0), "scikit_learn": (0.1, 0.1)}
    rows = [Row("whole", "e", name, 1, i + 1, both[i], both[i]) for name, both in seconds.items() for i in (0, 1)]
    assert [(row.round, row.seconds) for row in fastest_peers(rows)] == [(1, 2.0), (2, 2.0)]
    (line,) = [line for line in goal_table(rows) if line.startswith("| e: dltk, time over the fastest other library |")]
    assert "| 0.5 (0.5-0.5), 2 |" in line
    assert line.endswith("| met |")


def test_the_parts_of_a_step_tell_what_it_would_need_with_the_fastest_product():
    rows = [
        Row("part", "a", "products", 1, 1, 0.9, 0.8, 100, gflop=40.0),
        Row("part", "a", "the rest", 1, 1, 0.2, 0.2, 100),
        Row("dltk part", "a", "products", 1, 1, 0.9, 0.8, 100, gflop=40.0),
        Row("dltk part", "a", "the rest", 1, 1, 0.1, 0.1, 100),
        Row("product", "8 x 8 to 8, forward", "float32, oneDNN", 1, 1, 1.0, 1.0, 1, gflop=80.0),
        Row("product", "8 x 8 to 8, forward", "float32, torch's choice", 1, 1, 1.0, 1.0, 1, gflop=100.0),
    ]
    assert part_table(rows)[2:] == [
        "| a | 1 | products | 8 | 0.80 | 50 | 8 | 50 |  |  |",
        "| a | 1 | the rest | 2 | 0.20 |  | 1 |  |  |  |",
        "| a | 1 | all | 10 | 1.00 | | 9 | |  | |",
        "| a | 1 | all, if all that is counted ran at the 100 GFLOP/s of the fastest float32 product "
        "| 6 | 0.60 | | 5 | |  | |",
    ]
    assert product_table(rows) == [
        "| rows x inputs to outputs | threads | float32, oneDNN | float32, torch's choice |",
        "|---|---|---|---|",
        "| 8 x 8 to 8, forward | 1 | 80 | 100 |",
    ]


def test_steps_by_kernels_alone_stand_beside_the_first_of_their_case():
    seconds = {"opt": (0.004, 0.006, 0.005), "bf16": (0.002, 0.002, 0.002)}
    rows = [
        Row("bare", "a", name, 1, i, each, each, 1) for name, both in seconds.items() for i, each in enumerate(both)
    ]
    assert bare_table(rows)[2:] == [
        "| a | 1 | hand-written loop | 5 | 1 (1-1) |",
        "| a | 1 | bf16 | 2 | 0.4 (0.367-0.45) |",
    ]


def test_the_parts_of_dltks_own_step_stand_beside_those_by_hand():
    rows = [
        Row("part", "a", "the rest", 1, 1, 0.2, 0.2, 100),
        Row("dltk part", "a", "the rest", 1, 1, 0.1, 0.1, 100),
        Row("dltk part", "a", "copies", 1, 1, 0.1, 0.1, 100),
        Row("bf16 part", "a", "products", 1, 1, 0.1, 0.1, 100, gflop=10.0),
    ]
    assert part_table(rows)[2:] == [
        "| a | 1 | the rest | 2 | 1.00 |  | 1 |  |  |  |",
        "| a | 1 | copies |  | 0.00 |  | 1 |  |  |  |",
        "| a | 1 | products |  | 0.00 |  |  |  | 1 | 100 |",
        "| a | 1 | all | 2 | 1.00 | | 2 | | 1 | |",
    ]


def test_convolutions_stand_in_a_table_with_a_column_for_each_layout():
    rows = [
        Row("convolution", "two images", name, 1, 1, seconds, seconds, 1, gflop=10.0)
        for name, seconds in (("float32, contiguous", 0.2), ("float32, channels last", 0.1))
    ]
    assert convolution_table(rows)[0].endswith("| float32, contiguous | float32, channels last |")
    assert convolution_table(rows)[2:] == ["| two images | 1 | 50 | 100 |"]


def test_operations_belong_to_parts():
    operations = ["aten::addmm", "aten.mm", "aten.convolution_backward", "aten::_fused_adam_", "aten::relu"]
    assert [part_of(name) for name in operations] == ["products", "products", "convolutions", "update", REST]


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
