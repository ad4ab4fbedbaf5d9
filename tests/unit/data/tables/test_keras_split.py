"""The split of Keras; what it makes of the Boston table is in tests/unit/datasets/test_boston.py."""

from __future__ import annotations

import numpy as np
import pytest

from dltk.data.tables.keras_split import keras_split


def test_every_sample_is_in_one_part_and_a_fifth_is_tested_on():
    train, test = keras_split(506)
    assert (len(train), len(test)) == (404, 102)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(506))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_process_draws_on_as_before():
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert keras_split(10)[0].tolist() == keras_split(10)[0].tolist()
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # noqa: NPY002
