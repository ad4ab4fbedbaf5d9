"""What was learned is judged by the same lines for all."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.judging import judged, rank_correlation
from benchmarks.material import Material
from benchmarks.workloads import WORKLOADS


@pytest.fixture
def material(tmp_path):
    arrays = {
        "held_pairs": np.array([[1, 2], [3, 1]]),
        "held_drawn": np.array([[2, 3], [1, 2]]),
        "pairs": np.array([[1, 2], [1, 3], [2, 3]]),
        "people": np.array([9.0, 1.0, 2.0]),
        "held_ids": np.array([[0, 2], [1, 2]]),
        "held_stars": np.array([5, 1]),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    return Material(tmp_path, {}, is_real=True)


def test_ranks_are_compared_as_scipy_does_ties_included():
    generator = np.random.default_rng(0)
    one, other = generator.integers(0, 10, 50), generator.normal(size=50)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other)[0])


def test_vectors_that_know_nothing_lose_log_two_for_each_of_a_pair_and_its_negatives(material):
    vectors = np.array([[0, 0], [1, 0], [1, 1], [0, 1.5]]), np.zeros((4, 2))
    assert judged(WORKLOADS["words"], material, vectors)["loss"] == pytest.approx(3 * np.log(2))


def test_words_are_alike_by_the_cosine_of_their_vectors(material):
    words = np.array([[0, 0], [1, 0], [50, 1], [-1, 0.5]])  # 1 and 2 go the same way, 3 the other
    told = judged(WORKLOADS["words"], material, (words, np.zeros((4, 2))))
    assert told["score"] == pytest.approx(spearmanr([1.0, -1.0, -0.9], [9, 1, 2])[0])


def test_ratings_are_judged_in_stars_and_no_guess_is_beyond_them(material):
    vectors, numbers = np.array([[4.0], [0.0], [2.0]]), np.array([0.0, -1.0, 0.0])
    told = judged(WORKLOADS["ratings"], material, (vectors, numbers))  # 3.5 + 8 is 5 stars at most; 3.5 - 1
    assert told == {"loss": pytest.approx(np.sqrt((0**2 + 1.5**2) / 2))}


def test_where_training_tells_enough_nothing_is_judged(material):
    assert judged(WORKLOADS["a"], material, ()) == {}
