from collections import Counter
from collections.abc import Iterable, Sequence
from zlib import crc32

import pytest
import torch

from dltk.config.errors import DataError, OptionError
from dltk.data.fields import Ragged, concatenate
from dltk.data.texts.options import TextOptions
from dltk.data.texts.vocabularies import Buckets, Counting, Numbering, Vocabulary, distinct, most_frequent

TEXTS = [["a", "b", "a"], [], ["c", "b"]]


def fit_numbering(options: TextOptions, *blocks: Iterable[Sequence[str]]) -> tuple[Numbering, Ragged]:
    counting = Counting(options)
    numbers = [counting.add(texts) for texts in blocks]
    counted = counting.result()
    joined = concatenate([counted.renumbered(some) for some in numbers])
    assert isinstance(joined, Ragged)
    return counted.numbering, joined


def test_texts_become_numbers_and_back():
    numbering, numbers = fit_numbering(TextOptions(vocabulary_size=None), TEXTS)
    grams = list(numbering.words)
    assert numbers.offsets.tolist() == [0, 3, 3, 5]
    assert Counter(grams[i] for i in numbers.values.tolist()) == Counter(gram for text in TEXTS for gram in text)
    again = Vocabulary(grams).look_up(TEXTS)
    assert torch.equal(again.values, numbers.values)
    assert again.values.dtype is torch.int32
    assert Vocabulary(["c"]).look_up([["x", "c"]]).values.tolist() == [-1, 0]
    assert Vocabulary(grams).look_up([[], []]).offsets.tolist() == [0, 0, 0]


def test_buckets_are_the_same_in_every_process_and_take_any_text():
    buckets = Buckets(1000)
    texts = buckets.look_up([["영화", "a b"], ["\udc80"]])
    assert texts.values.tolist()[:2] == [crc32("영화".encode()) % 1000, crc32(b"a b") % 1000]
    assert texts.offsets.tolist() == [0, 2, 3]


def test_equally_frequent_words_are_ranked_alphabetically():
    grams, counts = ["d", "c", "b", "a", "z"], torch.tensor([2, 2, 1, 1, 3])

    def chosen(size: int | None, min_count: int = 1) -> list[str]:
        return [grams[i] for i in most_frequent(grams, counts, size, min_count).tolist()]

    assert chosen(10) == chosen(None) == ["z", "c", "d", "a", "b"]
    assert chosen(2) == ["z", "c"]
    assert chosen(10, min_count=2) == chosen(None, min_count=2) == ["z", "c", "d"]
    assert chosen(10, min_count=4) == []


def test_each_number_of_a_text_comes_once_with_its_count():
    words, counts = distinct(Ragged.of([[2, -1, 2, 0], [], [-1], [1]]), 3)
    assert (words.values.tolist(), words.offsets.tolist()) == ([0, 2, 1], [0, 2, 2, 2, 3])
    assert counts.tolist() == [1, 2, 1]
    assert words.values.dtype is torch.int32


def fitted(texts: list[list[str]], **options: object) -> tuple[list[str], list[int]]:
    numbering, numbers = fit_numbering(TextOptions.parse(options), texts)
    return list(numbering.words), numbers.values.tolist()


def test_what_does_not_count_is_unknown():
    assert fitted(TEXTS, vocabulary_size=1) == (["a"], [0, -1, 0, -1, -1])
    assert fitted(TEXTS, max_frequency=0.5) == (["a", "c"], [0, -1, 0, 1, -1])
    assert fitted(TEXTS, max_frequency=0.5, min_count=2) == (["a"], [0, -1, 0, -1, -1])


def test_hashing_needs_no_vocabulary():
    numbering, numbers = fit_numbering(TextOptions(hashing=7), TEXTS)
    assert (numbering.size, list(numbering.words)) == (7, [])
    assert numbers.values.tolist() == [crc32(gram.encode()) % 7 for text in TEXTS for gram in text]


@pytest.mark.parametrize(
    "options",
    [{}, {"vocabulary_size": 2}, {"max_frequency": 0.5}, {"hashing": 7}, {"encode": "tf_idf"}, {"encode": "tokens"}],
)
def test_texts_that_are_counted_in_blocks_have_the_same_numbers(options):
    asked = TextOptions.parse(options)
    counted = []
    for blocks in ([TEXTS], [TEXTS[:1], TEXTS[1:]], [[], *([text] for text in TEXTS)]):
        numbering, numbers = fit_numbering(asked, *blocks)
        counting = Counting(asked)
        for texts in blocks:
            counting.add(texts)
        found = counting.result()
        having = None if found.having is None else found.having.tolist()
        facts = [found.num_texts, found.longest, having]
        counted.append((numbering.words, numbers.values.tolist(), numbers.offsets.tolist(), facts))
    assert counted[0] == counted[1] == counted[2]
    assert counted[0][3][:2] == [3, 3]


def test_how_many_texts_have_a_word_is_counted_where_it_is_asked_for():
    counting = Counting(TextOptions(encode="tf_idf"))
    counting.add(TEXTS)
    found = counting.result()
    assert found.having is not None
    assert dict(zip(found.numbering.words, found.having.tolist(), strict=True)) == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize("options", [{}, {"hashing": 7}])
def test_texts_without_words_cannot_be_learned_from(options):
    with pytest.raises(DataError, match="no words"):
        fitted([[], []], **options)


def test_a_vocabulary_that_would_be_empty_is_refused():
    with pytest.raises(OptionError, match="min_count: no word of the training texts occurs 100 times"):
        fitted(TEXTS, min_count=100)
    with pytest.raises(OptionError, match="max_frequency: every word"):
        fitted([["a"], ["a"]], max_frequency=0.5)
