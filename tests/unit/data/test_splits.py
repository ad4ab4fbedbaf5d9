"""Splits: disjoint, complete, balanced, and decided by split_seed alone."""

import math
import re
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from dltk.config.errors import OptionError
from dltk.config.sections import DataOptions
from dltk.data.batches import InMemory
from dltk.data.moved import OnDevice
from dltk.data.samples import Columns, Source
from dltk.data.specs import Image, Spec, Vector
from dltk.data.splits import make_splits, split_parts


def columns(num_samples, labels=None):
    targets = {} if labels is None else {"y": labels}
    return Columns({"id": torch.arange(num_samples)}, targets, stratify="y" if labels is not None else None)


def split(train, options=None, **official):
    parts, decided = split_parts(Source({"train": train, **official}), DataOptions.parse(options or {}))
    return {name: part.inputs["id"].tolist() for name, part in parts.items()}, decided


FRACTIONS = st.floats(0.05, 0.6)


@given(st.integers(50, 300), FRACTIONS, FRACTIONS, st.integers(0, 5))
def test_fractions_are_exact_within_rounding_and_splits_are_disjoint(n, val, test, split_seed):
    parts, _ = split(columns(n), {"val_fraction": val, "test_fraction": test, "split_seed": split_seed})
    num_test = math.floor(n * test + 1e-6)
    assert abs(len(parts["test"]) - n * test) < 1
    assert abs(len(parts["val"]) - (n - num_test) * val) < 1
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == list(range(n))


def test_a_tenth_of_sixty_thousand_is_six_thousand():
    parts, _ = split(columns(60_000), {"val_fraction": 0.1}, test=columns(5))
    assert (len(parts["train"]), len(parts["val"]), len(parts["test"])) == (54_000, 6_000, 5)


@given(st.lists(st.integers(5, 60), min_size=2, max_size=5), FRACTIONS, st.integers(0, 3))
def test_splits_have_the_proportions_of_the_labels(counts, val, split_seed):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    options = {"val_fraction": val, "test_fraction": 0.0, "split_seed": split_seed}
    if sum(counts) * val < 1:
        return
    parts, _ = split(columns(len(labels), labels), options)
    found = Counter(labels[i] for i in parts["val"])
    assert all(abs(found[label] - count * val) <= 1 for label, count in enumerate(counts))


def test_parts_keep_the_order_of_the_samples():
    parts, _ = split(columns(100))
    assert all(ids == sorted(ids) for ids in parts.values())


def test_a_split_depends_on_split_seed_alone():
    first, again, other = (split(columns(100), {"split_seed": seed})[0] for seed in (0, 0, 1))
    assert first == again
    assert first["test"] != other["test"]
    assert first["val"] != other["val"]


def test_the_test_split_does_not_depend_on_the_val_fraction():
    few, many = (split(columns(100), {"val_fraction": fraction})[0] for fraction in (0.0, 0.4))
    assert few["test"] == many["test"]


def test_a_split_depends_on_which_labels_are_equal_not_on_how_they_are_spelled():
    labels = [i * 7 % 5 for i in range(100)]
    spellings = ((1, "1", "b", None, (2, 3)), ("b", "1", 1, (2, 3), None), ("x", "y", "z", "v", "w"))
    splits = [split(columns(100, [spelling[label] for label in labels]))[0] for spelling in spellings]
    assert splits[0] == splits[1] == splits[2]


def test_missing_labels_do_not_make_a_split_random():
    first, again = (split(columns(100, [(1.0, float("nan"))[i % 2] for i in range(100)]))[0] for _ in range(2))
    assert first == again


def test_official_parts_are_respected():
    parts, decided = split(columns(100), test=columns(7), val=columns(8))
    assert {name: len(ids) for name, ids in parts.items()} == {"train": 100, "test": 7, "val": 8}
    assert (decided.val_fraction, decided.test_fraction) == (None, None)


def test_defaults_are_decided_and_can_be_written():
    parts, decided = split(columns(100))
    assert {name: len(ids) for name, ids in parts.items()} == {"train": 72, "test": 20, "val": 8}
    assert (decided.val_fraction, decided.test_fraction, decided.batch_size) == (0.1, 0.2, 64)
    assert split(columns(100), decided.plain())[0] == parts


def test_small_data_are_not_split_by_default():
    parts, decided = split(columns(49))
    assert list(parts) == ["train"]
    assert (decided.val_fraction, decided.test_fraction) == (0.0, 0.0)
    assert set(split(columns(50))[0]) == {"train", "val", "test"}
    assert set(split(columns(10), {"val_fraction": 0.5})[0]) == {"train", "val"}


def option_of(error):
    return ".".join(str(part) for part in error.value.path)


@pytest.mark.parametrize("name", ["val", "test"])
def test_a_fraction_beside_an_official_part_is_refused(name):
    with pytest.raises(OptionError, match=f"the data bring their own {name} split") as caught:
        split(columns(100), {f"{name}_fraction": 0.1}, **{name: columns(5)})
    assert option_of(caught) == f"{name}_fraction"


@pytest.mark.parametrize("name", ["val", "test"])
def test_a_fraction_that_leaves_nothing_is_refused(name):
    with pytest.raises(OptionError, match="leaves an empty split") as caught:
        split(columns(4), {f"{name}_fraction": 0.1})
    assert option_of(caught) == f"{name}_fraction"


class Stream:
    """Samples of unknown length."""


def test_a_stream_is_not_split():
    parts, decided = split_parts(Source({"train": Stream()}), DataOptions())
    assert list(parts) == ["train"]
    assert (decided.val_fraction, decided.batch_size) == (0.0, 64)
    assert split_parts(Source({"train": Stream()}), decided)[1] == decided
    for options in ({"val_fraction": 0.1}, {"test_fraction": 0.1}, {"fold": [0, 2]}):
        with pytest.raises(OptionError, match="stream"):
            split_parts(Source({"train": Stream()}), DataOptions.parse(options))


@pytest.mark.parametrize(("num_samples", "batch_size"), [(1, 1), (40, 40), (64, 64), (1000, 64)])
def test_a_default_batch_size_is_clamped(num_samples, batch_size):
    decided = split(columns(num_samples), {"val_fraction": 0.0, "test_fraction": 0.0})[1]
    assert decided.batch_size == batch_size


def test_a_written_batch_size_beyond_the_training_samples_is_refused():
    written = {"batch_size": 41, "val_fraction": 0.0}
    with pytest.raises(OptionError, match="there are only 40 training samples; found 41; allowed at most 40") as caught:
        split(columns(40), written)
    assert option_of(caught) == "batch_size"
    assert split(columns(41), written)[1].batch_size == 41


@given(st.integers(10, 120), st.integers(2, 10), st.booleans())
def test_folds_partition_the_data_and_are_balanced(n, count, has_labels):
    labels = [i * i % 3 for i in range(n)] if has_labels else None
    folds = [split(columns(n, labels), {"fold": [index, count], "test_fraction": 0})[0] for index in range(count)]
    assert sorted(sum((fold["val"] for fold in folds), [])) == list(range(n))  # noqa: RUF017
    assert all(sorted(fold["train"] + fold["val"]) == list(range(n)) for fold in folds)
    sizes = [len(fold["val"]) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for label in set(labels or ()):
        per_fold = [sum(label == i * i % 3 for i in fold["val"]) for fold in folds]
        assert max(per_fold) - min(per_fold) <= 1


def test_the_test_split_stays_out_of_the_folds():
    parts, options = split(columns(100), {"fold": [0, 5]})
    assert options.test_fraction == 0.2
    assert len(parts["test"]) == 20
    assert len(parts["train"]) + len(parts["val"]) == 80


def test_folds_depend_on_split_seed():
    first, other = (split(columns(30), {"fold": [0, 3], "split_seed": seed})[0] for seed in (0, 1))
    assert first["val"] != other["val"]


@pytest.mark.parametrize("fold", [[0, 1], [3, 3], [0, 31]])
def test_an_impossible_fold_is_refused(fold):
    with pytest.raises(OptionError, match=r"\[i, k\] with i < k and k from 2 to 30") as caught:
        split(columns(30), {"fold": fold})
    assert option_of(caught) == "fold"


def test_a_fold_and_another_val_split_exclude_each_other():
    with pytest.raises(OptionError, match="the fold is the val split"):
        split(columns(30), {"fold": [0, 3], "val_fraction": 0.1})
    with pytest.raises(OptionError, match="the fold is the val split"):
        split(columns(30), {"fold": [0, 3]}, val=columns(3))


class Plain:
    """A preparation that fits nothing."""

    spec = Spec({"id": Vector(1)}, {})

    def parse(self, samples, loading):
        return InMemory(samples.inputs, samples.targets, loading)


def test_training_samples_are_shuffled_by_the_seed_and_the_others_stand_in_order():
    parts, _ = split_parts(Source({"train": columns(100)}), DataOptions())
    cpu = torch.device("cpu")
    preparation: Any = Plain()
    made: list[Any] = [make_splits(parts, preparation, 16, seed, cpu) for seed in (0, 0, 1)]
    splits, again, other = made
    order, same, new = ([batch.inputs.tolist() for batch in s.train.epoch(0)] for s in (splits, again, other))
    assert order == same != new
    assert sorted(sum(order, [])) == parts["train"].inputs["id"].tolist()  # noqa: RUF017
    assert splits.val.whole().inputs.tolist() == parts["val"].inputs["id"].tolist()
    assert [b.inputs.tolist() for b in splits.test.epoch(5)] == [parts["test"].inputs["id"].tolist()]
    assert splits.spec is Plain.spec


def test_absent_parts_are_none():
    preparation: Any = Plain()
    splits = make_splits({"train": columns(3)}, preparation, 2, 0, torch.device("cpu"))
    assert splits.val is None
    assert splits.test is None


def test_a_class_with_one_sample_is_learned_from_and_one_with_two_is_in_two_splits():
    labels = ["common"] * 97 + ["rare"] + ["pair"] * 2
    for seed in range(10):
        parts, _ = split(columns(100, labels), {"split_seed": seed, "val_fraction": 0.3})
        assert 97 in parts["train"]
        assert {98, 99} & {*parts["train"]}
        for index in range(3):
            folds, _ = split(columns(100, labels), {"split_seed": seed, "fold": [index, 3], "test_fraction": 0})
            assert 97 in folds["train"]


def test_samples_that_are_all_of_their_own_class_cannot_be_set_aside():
    with pytest.raises(OptionError, match="every class keeps a sample to learn from") as caught:
        split(columns(60, range(60)))
    assert option_of(caught) == "test_fraction"
    with pytest.raises(OptionError, match="fold 0 of 3 is empty"):
        split(columns(30, range(30)), {"fold": [0, 3]})


def test_splits_need_not_be_balanced_by_label():
    labels = [0, 1] * 100
    found: dict[str, set[int]] = {"auto": set(), "off": set()}
    for how, ones in found.items():
        for seed in range(5):
            parts, _ = split(columns(200, labels), {"stratify": how, "split_seed": seed})
            assert len(parts["val"]) == 16
            ones.add(sum(labels[i] for i in parts["val"]))
    assert found["auto"] == {8}
    assert len(found["off"]) > 1


def test_groups_stay_in_one_split_and_in_one_fold():
    groups = [i // 4 for i in range(200)]
    samples = Columns({"id": torch.arange(200)}, {"y": [i % 2 for i in range(200)]}, stratify="y", others={"g": groups})
    parts, _ = split(samples, {"group": "g"})
    owners = {name: {groups[i] for i in ids} for name, ids in parts.items()}
    assert sum(map(len, owners.values())) == 50
    assert {name: len(ids) for name, ids in parts.items()} == {"train": 144, "val": 16, "test": 40}
    vals = [split(samples, {"group": "g", "fold": [i, 5], "test_fraction": 0})[0]["val"] for i in range(5)]
    assert sorted(sum(vals, [])) == list(range(200))  # noqa: RUF017
    assert sum(len({groups[i] for i in ids}) for ids in vals) == 50


def test_a_subset_is_taken_of_the_training_samples_only():
    labels = [0] * 150 + [1] * 50
    whole, _ = split(columns(200, labels))
    few, _ = split(columns(200, labels), {"subset": 40})
    part, decided = split(columns(200, labels), {"subset": 0.5})
    assert (few["val"], few["test"]) == (whole["val"], whole["test"])
    assert {*few["train"]} < {*part["train"]} < {*whole["train"]}
    assert (len(few["train"]), len(part["train"])) == (40, 72)
    assert Counter(labels[i] for i in few["train"]) == {0: 30, 1: 10}
    assert decided.batch_size == 64


@pytest.mark.parametrize("subset", [1, 145, 0.001])
def test_a_subset_has_every_class_and_no_more_than_there_is(subset):
    with pytest.raises(OptionError, match="at least 2 and at most 144") as caught:
        split(columns(200, [0, 1] * 100), {"subset": subset})
    assert option_of(caught) == "subset"
    with pytest.raises(OptionError, match="found 500; allowed at least 1 and at most 144"):
        split(columns(200), {"subset": 500})


@pytest.mark.parametrize("options", [{"group": "id"}, {"group_pattern": "x"}, {"subset": 5}])
def test_a_stream_has_no_groups_and_no_subsets(options):
    with pytest.raises(OptionError, match="a stream has no known length"):
        split_parts(Source({"train": Stream()}), DataOptions.parse(options))


def made_with(samples, **options):
    preparation: Any = Plain()
    asked = DataOptions.parse({"val_fraction": 0, "test_fraction": 0, **options})
    parts, decided = split_parts(Source({"train": samples}), asked)
    return make_splits(parts, preparation, 8, 0, torch.device("cpu"), decided)


def ids_met(batches):
    return sum((batch.inputs.tolist() for batch in batches.epoch(0)), [])  # noqa: RUF017


def test_without_sampler_and_augmentation_lessons_are_the_training_samples():
    splits = made_with(columns(60))
    assert splits.lessons is splits.train


def test_a_sampler_changes_lessons_and_nothing_else():
    labels = [0] * 50 + [1] * 10
    splits = made_with(columns(60, torch.tensor(labels)), sampler="balanced")
    assert Counter(labels[i] for i in ids_met(splits.lessons)) == {0: 30, 1: 30}
    assert sorted(ids_met(splits.train)) == list(range(60))
    assert splits.lessons.num_batches == splits.train.num_batches
    assert ids_met(made_with(columns(60), sampler="in_order").lessons) == list(range(60))


def test_balancing_needs_classes():
    with pytest.raises(OptionError, match="balanced needs samples of one class each") as caught:
        made_with(columns(60), sampler="balanced")
    assert option_of(caught) == "sampler"


@pytest.mark.parametrize("options", [{"augment": ["crop"]}, {"sampler": "in_order"}])
def test_a_stream_keeps_its_order_and_its_samples(options):
    preparation: Any = Plain()
    preparation.parse = lambda samples, loading: OnDevice(InMemory(samples.inputs, {}, loading), loading.device)
    with pytest.raises(OptionError, match="these data come as a stream") as caught:
        make_splits({"train": columns(9)}, preparation, 2, 0, torch.device("cpu"), DataOptions.parse(options))
    assert option_of(caught) == next(iter(options))


def test_images_that_a_preparation_keeps_as_bytes_are_refused_before_training():
    class Bytes(Plain):
        spec = Spec({"id": Image(1, 4, 4)}, {})

    preparation: Any = Bytes()
    samples = Columns({"id": torch.zeros(9, 1, 4, 4, dtype=torch.uint8)}, {})
    options = DataOptions.parse({"augment": ["vertical_flip"]})
    with pytest.raises(OptionError, match="needs the images 'id' as floats from 0 to 1") as caught:
        make_splits({"train": samples}, preparation, 2, 0, torch.device("cpu"), options)
    assert option_of(caught) == "augment"


def dated(rows):
    """Return rows with a column of moments."""
    return Columns({"id": torch.arange(len(rows))}, {}, others={"when": rows})


@given(st.lists(st.integers(0, 40), min_size=50, max_size=120), FRACTIONS, FRACTIONS, st.integers(0, 5))
def test_by_time_the_latest_rows_are_tested_and_rows_of_one_moment_stay_together(days, val, test, split_seed):
    when = [f"2026-01-{day % 28 + 1:02} {day:02}:00" if day < 24 else f"2026-03-{day - 20:02}" for day in days]
    assume(len(set(when)) > 20)
    options = {"time": "when", "val_fraction": val / 2, "test_fraction": test / 2, "split_seed": split_seed}
    parts, _ = split(dated(when), options)
    assume(len(parts) == 3)
    spans = {name: (min(when[i] for i in ids), max(when[i] for i in ids)) for name, ids in parts.items()}
    assert spans["train"][1] < spans["val"][0]
    assert spans["val"][1] < spans["test"][0]
    assert sorted(i for ids in parts.values() for i in ids) == list(range(len(days)))


def test_by_time_the_order_of_the_file_does_not_matter():
    when = [f"2026-01-01 {i // 60:02}:{i % 60:02}" for i in range(100)]
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0)).tolist()
    straight, _ = split(dated(when), {"time": "when"})
    mixed, _ = split(dated([when[i] for i in order]), {"time": "when"})
    assert {name: sorted(order[i] for i in ids) for name, ids in mixed.items()} == straight


@pytest.mark.parametrize(
    ("options", "place", "reason"),
    [
        ({"time": "then"}, ("time",), "there is no column 'then'"),
        ({"time": "words"}, ("time",), "must be numbers, or dates such as 2026-11-28; the column has 'a'"),
        ({"time": "gaps"}, ("time",), "1 of 60 have an empty cell"),
        ({"time": "when", "group": "words"}, ("group",), "give group or time, not both"),
        ({"time": "when", "fold": [0, 3]}, ("fold",), "predicted from what came later"),
    ],
)
def test_a_time_that_cannot_be_is_refused(options, place, reason):
    whens = [str(i) for i in range(60)]
    others = {"when": whens, "words": ["a"] * 60, "gaps": [None, *whens[1:]]}
    with pytest.raises(OptionError, match=re.escape(reason)) as error:
        split(Columns({"id": torch.arange(60)}, {}, others=others), options)
    assert error.value.path == place
