"""What headers tell is what reading gives."""

import pytest

from dltk.config import registry
from dltk.config.errors import OptionError
from dltk.config.sections import DataOptions
from dltk.data.outlook import Counted, NotFitted, Unfitted, needs_reading, outlook, outlook_by_reading
from dltk.data.splits import split_parts

DIGITS = registry.load("datasets", "digits")


def known(**options):
    config = DIGITS.Config()
    return outlook(DIGITS, config, DataOptions.parse(options), DIGITS.describe(config))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"val_fraction": 0.25, "test_fraction": 0},
        {"fold": [1, 7], "test_fraction": 0.3},
        {"subset": 100},
        {"subset": 0.5, "batch_size": 600},
        {"stratify": "off", "sampler": "balanced"},
    ],
)
def test_samples_are_split_as_when_they_are_read(options):
    told = known(**options)
    parts, decided = split_parts(DIGITS.read(DIGITS.Config()), DataOptions.parse(options))
    assert dict(told.sizes) == {name: len(samples) for name, samples in parts.items()}
    assert told.options == decided
    assert told.official == {"train": 1797}
    assert not told.is_read


def test_impossible_splits_are_found_without_reading():
    with pytest.raises(OptionError, match="batch_size"):
        known(batch_size=5000)
    with pytest.raises(OptionError, match="subset"):
        known(subset=5000)


def test_groups_are_in_the_data():
    assert known(group_pattern="(.)").sizes == {}


def test_a_data_set_that_does_not_count_leaves_sizes_open():
    iris = registry.load("datasets", "iris")
    config = iris.Config()
    told = outlook(iris, config, DataOptions(), iris.describe(config))
    assert (told.sizes, told.official, told.is_exact) == ({}, {}, False)


def test_tables_are_read_for_the_width_of_their_columns():
    iris = registry.load("datasets", "iris")
    config = iris.Config.parse({"scaling": "piecewise_linear", "num_bins": 4})
    assert needs_reading(iris.describe(config))
    assert not needs_reading(DIGITS.describe(DIGITS.Config()))
    told = outlook_by_reading(iris, config, DataOptions())
    assert told.is_read
    assert told.is_exact
    assert told.sizes == {"train": 108, "val": 12, "test": 30}
    assert told.preparation.spec.input.shape[0] > 4


def test_nothing_is_made_up_for_a_preparation_that_was_not_fitted():
    preparation = Unfitted(DIGITS.describe(DIGITS.Config()))
    assert preparation.spec.input.shape == (1, 8, 8)
    with pytest.raises(NotFitted, match="vocabulary"):
        _ = preparation.vocabulary


def test_counted_samples_have_nothing_but_their_number():
    samples = Counted(3)
    assert (len(samples), list(samples.names), samples.labels(), samples.columns()) == (3, [], None, {})
