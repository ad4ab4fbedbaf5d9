"""Portions: equal shares of classes, whole groups, something of every class to learn from, nested subsets."""

import itertools
import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dltk.config.errors import OptionError
from dltk.config.sections import DataOptions
from dltk.data import portions
from dltk.data.portions import Kinship
from dltk.data.samples import Columns

COUNTS = st.lists(st.integers(1, 30), min_size=1, max_size=6)
SHARES = st.floats(0.05, 0.7)
SEEDS = st.integers(0, 4)


def kin_of(counts, group_size=0, *, is_class=True):
    strata = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    strata = strata[torch.randperm(len(strata), generator=torch.Generator().manual_seed(1))]
    groups = torch.arange(len(strata)) // group_size if group_size else None
    return Kinship(strata, strata if is_class else None, groups)


@given(COUNTS, SHARES, SEEDS)
def test_no_class_is_set_aside_as_a_whole(counts, share, seed):
    kin = kin_of(counts)
    chosen = portions.part(kin, share, seed)
    assert set(kin.strata[~chosen].tolist()) == set(range(len(counts)))
    assert abs(chosen.sum() - share * len(kin)) <= 1 + counts.count(1) + sum(
        count * share > count - 1 for count in counts
    )


@given(COUNTS, SHARES, SEEDS)
def test_labels_that_need_not_be_learned_are_set_aside_as_it_comes(counts, share, seed):
    kin = kin_of(counts, is_class=False)
    assert portions.part(kin, share, seed).sum() == math.floor(share * len(kin) + 1e-9)


@given(COUNTS, st.integers(2, 6), SEEDS)
def test_folds_are_disjoint_and_hold_all_but_single_samples(counts, count, seed):
    kin = kin_of(counts)
    folds = torch.stack([portions.fold(kin, index, count, seed) for index in range(count)])
    single = torch.tensor([counts[label] == 1 for label in kin.strata.tolist()])
    assert torch.equal(folds.sum(0), (~single).long())
    assert all(set(kin.strata[~chosen].tolist()) == set(range(len(counts))) for chosen in folds)


@given(st.integers(12, 60), st.integers(1, 5), SHARES, SEEDS)
def test_groups_are_never_torn_apart(num_samples, group_size, share, seed):
    kin = kin_of([num_samples], group_size)
    chosen = portions.part(kin, share, seed)
    for group in kin.groups.unique():
        assert len(chosen[kin.groups == group].unique()) == 1
    assert abs(chosen.sum() - share * num_samples) <= 2 * group_size
    folds = torch.stack([portions.fold(kin, index, 2, seed) for index in range(2)])
    assert folds.sum(0).max() == 1
    for group in kin.groups.unique():
        assert len(folds[:, kin.groups == group].unique(dim=1)[0]) == 1


def test_whole_groups_keep_the_shares_of_the_classes():
    patients = torch.arange(60)
    diagnosis = (patients % 3 == 0).long()
    visits = 1 + (patients * 7) % 5
    kin = Kinship(
        diagnosis.repeat_interleave(visits), diagnosis.repeat_interleave(visits), patients.repeat_interleave(visits)
    )
    share_of_ill = kin.strata.float().mean()
    for index in range(4):
        chosen = portions.fold(kin, index, 4, 0)
        assert chosen.float().mean().item() == pytest.approx(0.25, abs=0.03)
        assert kin.strata[chosen].float().mean().item() == pytest.approx(share_of_ill.item(), abs=0.05)


def test_a_class_in_one_group_stays_to_be_learned():
    kin = Kinship(torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 1, 2, 2]))
    for seed in range(10):
        chosen = portions.part(kin, 0.4, seed)
        assert not chosen[4:].any()
        assert int(chosen.sum()) in {0, 2}


def test_one_group_is_set_aside_even_where_it_is_more_than_was_asked_for():
    assert portions.part(kin_of([10], 5), 0.1, 0).sum() == 5


@given(COUNTS, SEEDS)
def test_a_larger_subset_holds_a_smaller_one_and_every_class_comes_first(counts, seed):
    kin = kin_of(counts)
    subsets = [set(portions.subset(kin, count, seed).tolist()) for count in range(1, len(kin) + 1)]
    assert [len(subset) for subset in subsets] == list(range(1, len(kin) + 1))
    assert all(small < large for small, large in itertools.pairwise(subsets))
    assert {int(kin.strata[i]) for i in subsets[len(counts) - 1]} == set(range(len(counts)))


def test_a_subset_has_the_shares_of_the_classes_and_its_order():
    kin = kin_of([600, 300, 100])
    found = portions.subset(kin, 100, 0)
    assert found.tolist() == sorted(found.tolist())
    assert Counter(kin.strata[found].tolist()) == {0: 60, 1: 30, 2: 10}
    assert portions.subset(kin, 100, 1).tolist() != found.tolist()


def images(labels, names=(), **others):
    return Columns({"id": torch.arange(len(labels))}, {"y": labels}, names, "y", others)


def kinship(samples, **options):
    return portions.kinship(samples, DataOptions.parse(options))


def test_labels_are_classes_unless_they_are_combinations_or_do_not_count():
    assert kinship(images(["a", "b", "a"])).classes.tolist() == [0, 1, 0]
    assert kinship(images([[1, 0], [1, 1], [1, 0]])).strata.tolist() == [0, 1, 0]
    assert kinship(images([[1, 0], [1, 1], [1, 0]])).classes is None
    off = kinship(images(["a", "b", "a"]), stratify="off")
    assert (off.strata.tolist(), off.classes.tolist()) == ([0, 0, 0], [0, 1, 0])
    assert kinship(Columns({"id": torch.arange(2)}, {})).classes is None


def test_groups_come_from_a_column_and_what_has_no_value_stands_for_itself():
    samples = images(["a"] * 5, patient=["x", None, "y", "x", None])
    assert kinship(samples, group="patient").groups.tolist() == [0, 1, 2, 0, 3]


def test_groups_come_from_what_samples_are_called():
    samples = images(["a"] * 3, ["p7/1.png", "p12/1.png", "p7/2.png"])
    assert kinship(samples, group_pattern="^p([0-9]+)/").groups.tolist() == [0, 1, 0]
    assert kinship(samples, group_pattern="[0-9].png").groups.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": "patien"}, "group: there is no column 'patien'; did you mean 'patient'?; allowed id, patient, y"),
        ({"group_pattern": "p(["}, r"group_pattern: is no regular expression: .*; found 'p\(\['"),
        ({"group_pattern": "^p"}, "group_pattern: must match what every sample is called; not found in 'q2'"),
        ({"group_pattern": "p", "group": "y"}, "group_pattern: give group or group_pattern, not both"),
    ],
)
def test_groups_that_are_not_there_are_refused(options, message):
    with pytest.raises(OptionError, match=message.replace("?", r"\?")):
        kinship(images(["a", "b"], ["p1", "q2"], patient=[1, 2]), **options)
