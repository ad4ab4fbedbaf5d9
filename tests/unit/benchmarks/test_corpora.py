"""Texts are cut and ratings split without losing or leaking any."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.corpora import NUM_FILMS, NUM_USERS, Found, generated_ratings, generated_words, ratings, words
from benchmarks.skip_gram import LENGTH, NOTHING, REACH
from benchmarks.stars import NO_STAR, TOGETHER
from dltk.config.errors import MissingInput


@pytest.fixture(scope="module")
def found() -> Found:
    return generated_words()


def test_every_word_is_in_the_middle_of_one_stretch(found):
    middle = found.inputs[:, REACH : REACH + LENGTH]
    assert Counter(middle[middle != NOTHING].tolist()) == Counter(found.others["words"].tolist())


def test_paragraphs_are_out_of_each_others_reach(found):
    row = found.inputs[0].tolist()  # the first sentence has 30 words, more than a stretch with what is around it
    assert row[:REACH] == [NOTHING] * REACH
    assert row[REACH:] == found.others["words"][: LENGTH + REACH].tolist()
    text = np.concatenate([found.inputs[0], *(row[-LENGTH:] for row in found.inputs[1:])])
    assert text[REACH + 30 : 2 * REACH + 30].tolist() == [NOTHING] * REACH
    assert text[2 * REACH + 30 : 2 * REACH + 40].tolist() == found.others["words"][30:40].tolist()


def test_what_is_held_out_is_not_learned(found):
    assert found.others["lengths"].sum() == len(found.others["words"]) == 1_500 * 30 * 19 / 20
    assert len(found.others["held_pairs"]) == len(found.others["held_drawn"])
    assert (found.others["held_drawn"] != NOTHING).all()


def test_pairs_with_unknown_words_are_left_out_and_told(found):
    assert len(found.others["pairs"]) == len(found.others["people"])
    assert (found.others["pairs"] != NOTHING).all()
    assert "of 200 pairs that people compared" in found.note


def test_each_rating_is_learned_or_held_out_and_films_come_after_users():
    found = generated_ratings()
    ids = np.concatenate([found.others["ids"], found.others["held_ids"]])
    assert len(ids) == 100_000
    assert ids[:, 0].min() >= 1
    assert ids[:, 0].max() <= NUM_USERS < ids[:, 1].min()
    assert ids[:, 1].max() <= NUM_USERS + NUM_FILMS


def test_ratings_of_a_user_are_together_and_what_is_missing_is_nothing():
    found = generated_ratings()
    users, films, stars = found.inputs[:, :1].repeat(TOGETHER, 1), found.inputs[:, 1:], found.targets[:, 1:]
    is_there = films != NO_STAR
    assert ((stars != NO_STAR) == is_there).all()
    assert (found.targets[:, 0] == NO_STAR).all()
    rated = np.stack([users[is_there], films[is_there], stars[is_there]], 1)
    learned = np.column_stack([found.others["ids"], found.others["stars"]])
    assert Counter(map(tuple, rated.tolist())) == Counter(map(tuple, learned.tolist()))
    assert len(found.inputs) == sum(-(-count // TOGETHER) for count in Counter(learned[:, 0].tolist()).values())


@pytest.mark.parametrize("find", [words, ratings])
def test_data_that_are_not_there_are_named(find, monkeypatch):
    monkeypatch.delenv("DLTK_DATA", raising=False)
    with pytest.raises(MissingInput, match="there is no such data"):
        find()
