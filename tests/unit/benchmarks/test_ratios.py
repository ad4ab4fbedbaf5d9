"""Pairing of rounds, medians, verdicts, and the check that all did the same work."""

import math
from typing import Any

import pytest

from benchmarks.ratios import Goal, Ratio, different_work, paired, quartiles
from benchmarks.records import Row


def row(contestant: str, number: int, seconds: float, **others: Any) -> Row:
    return Row("step", "a", contestant, 1, number, **{"seconds": seconds, "steps": 10, "loss": 1.0, **others})


def test_a_ratio_is_the_median_over_rounds_not_the_ratio_of_medians():
    rows = [
        *(row("opt", number, seconds) for number, seconds in enumerate((1.0, 2.0, 10.0), 1)),
        *(row("dltk", number, seconds) for number, seconds in enumerate((3.0, 2.0, 5.0), 1)),
    ]
    assert paired(rows, "dltk", "opt")["step", "a", 1].median == 1.0  # of 3, 1, 0.5; medians alone would give 1.5


def test_a_round_that_only_one_has_does_not_count():
    rows = [row("opt", 1, 1.0), row("dltk", 1, 2.0), row("dltk", 2, 100.0), row("opt", 3, 100.0)]
    assert paired(rows, "dltk", "opt")["step", "a", 1] == Ratio(2.0, 2.0, 2.0, 1)


def test_a_failed_contestant_has_no_ratio():
    rows = [row("opt", 1, 1.0), Row.failed("a", "keras", 1, "no such package")]
    assert paired(rows, "keras", "opt") == {}


def test_other_workloads_and_threads_are_not_mixed():
    rows = [
        *(row("opt", 1, 1.0), row("dltk", 1, 2.0)),
        *(Row("step", "a", "opt", 2, 1, seconds=1.0), Row("step", "a", "dltk", 2, 1, seconds=3.0)),
        *(Row("step", "b", "opt", 1, 1, seconds=1.0), Row("step", "b", "dltk", 1, 1, seconds=4.0)),
    ]
    ratios = paired(rows, "dltk", "opt")
    assert {key: ratio.median for key, ratio in ratios.items()} == {
        ("step", "a", 1): 2.0,
        ("step", "a", 2): 3.0,
        ("step", "b", 1): 4.0,
    }


def test_the_reference_over_itself_is_one():
    assert paired([row("opt", 1, 3.0), row("opt", 2, 5.0)], "opt", "opt")["step", "a", 1].median == 1.0


def test_processor_time_and_memory_are_compared_likewise():
    rows = [row("opt", 1, 1.0, cpu_seconds=2.0, peak_mb=100.0), row("dltk", 1, 9.0, cpu_seconds=1.0, peak_mb=150.0)]
    assert paired(rows, "dltk", "opt", "cpu_seconds")["step", "a", 1].median == 0.5
    assert paired(rows, "dltk", "opt", "peak_mb")["step", "a", 1].median == 1.5


@pytest.mark.parametrize(("values", "ends"), [([2.0], (2.0, 2.0)), ([1.0, 2.0, 3.0, 4.0, 5.0], (2.0, 4.0))])
def test_the_spread_is_the_middle_half(values, ends):
    assert quartiles(values) == ends


@pytest.mark.parametrize(
    ("median", "verdict"), [(0.5, "met"), (0.62, "met"), (0.6204, "met"), (0.621, "missed"), (2.0, "missed")]
)
def test_a_goal_is_met_up_to_its_limit_in_three_digits(median, verdict):
    goal = Goal("step", "a", "dltk", "opt", 0.62)
    assert goal.verdict(Ratio(median, median, median, 5)) == verdict


def test_what_was_not_measured_is_not_called_met():
    assert Goal("step", "a", "dltk", "opt", 0.62).verdict(None) == "not measured"


def test_equal_work_within_the_tolerance_is_accepted():
    assert different_work([row("opt", 1, 1.0), row("dltk", 1, 1.0, loss=1.009)], "opt", {"dltk": 0.01}) == []


@pytest.mark.parametrize("loss", [1.02, 0.98, math.nan])
def test_another_loss_is_other_work(loss):
    (sentence,) = different_work([row("opt", 1, 1.0), row("dltk", 1, 1.0, loss=loss)], "opt", {"dltk": 0.01})
    assert "a, 1 threads, round 1: dltk ended with loss" in sentence


def test_losses_near_zero_are_alike():
    rows = [row("opt", 1, 1.0, loss=0.001), row("dltk", 1, 1.0, loss=0.004)]
    assert different_work(rows, "opt", {"dltk": 0.5}, 0.01) == []
    assert len(different_work(rows, "opt", {"dltk": 0.5}, 0.002)) == 1


def test_fewer_steps_are_other_work():
    (sentence,) = different_work([row("opt", 1, 1.0), row("dltk", 1, 1.0, steps=9)], "opt", {"dltk": 0.01})
    assert sentence.endswith("dltk made 9 steps, opt 10")


def test_who_does_not_count_steps_is_compared_by_the_loss():
    assert different_work([row("opt", 1, 1.0), row("gensim", 1, 1.0, steps=None)], "opt", {"gensim": 0.01}) == []


def test_who_computes_in_another_precision_is_not_compared():
    assert different_work([row("opt", 1, 1.0), row("dltk_bf16", 1, 1.0, loss=5.0)], "opt", {"dltk": 0.01}) == []
