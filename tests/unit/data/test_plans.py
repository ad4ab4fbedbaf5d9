"""Plans: fresh orders each epoch, classes equally often where that is asked for."""

from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from dltk.data.plans import balanced, distinct, in_order

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@given(COUNTS, st.integers(0, 3), st.integers(0, 3))
def test_a_balanced_epoch_is_as_long_as_ever_and_has_every_class_equally_often(counts, seed, epoch):
    labels = [f"class {label}" for label, count in enumerate(counts) for _ in range(count)]
    drawn = balanced(seed, labels)(epoch, len(labels)).tolist()
    assert len(drawn) == len(labels)
    found = Counter(labels[i] for i in drawn)
    assert max(found.values()) - min(found[f"class {label}"] for label in range(len(counts))) <= 1


def test_a_rare_sample_comes_again_only_after_all_of_its_class_came():
    drawn = Counter(balanced(0, [0] * 90 + [1] * 10)(0, 100).tolist())
    assert [drawn[i] for i in range(90, 100)] == [5] * 10
    assert sorted(drawn[i] for i in range(90)) == [0] * 40 + [1] * 50


def test_balanced_orders_differ_by_epoch_and_seed_and_are_the_same_on_every_run():
    labels = [0] * 30 + [1] * 5
    orders = {(seed, epoch): balanced(seed, labels)(epoch, 35).tolist() for seed in range(3) for epoch in range(3)}
    assert len({str(order) for order in orders.values()}) == 9
    torch.manual_seed(9)
    assert balanced(2, labels)(1, 35).tolist() == orders[2, 1]
    assert in_order(4, 3).tolist() == [0, 1, 2]


def test_what_comes_again_gets_a_number_of_its_own():
    assert distinct(torch.tensor([2, 0, 2, 1, 2]), 10).tolist() == [2, 0, 12, 1, 22]
    assert distinct(torch.tensor([3, 1, 0]), 10).tolist() == [3, 1, 0]
