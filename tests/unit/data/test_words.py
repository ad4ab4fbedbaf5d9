from collections import Counter

import pytest
import torch

from dltk.data.fields import Ragged
from dltk.data.words import grams_of, known_only, looked_up, most_frequent, numbered, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I DON'T like it!", ["i", "don't", "like", "it"]),
        ("a<br /><br />b<BR>c<br/>d < e", ["a", "b", "c", "d", "e"]),
        ("'quoted' _stressed_ rock'n'roll dogs'", ["quoted", "stressed", "rock'n'roll", "dogs"]),
        ("이 영화 정말 재밌다ㅋㅋ 10점!!", ["이", "영화", "정말", "재밌다ㅋㅋ", "10점"]),
        ("ÄRGER élan 😀 Ἑλλάς", ["ärger", "élan", "ἑλλάς"]),
        ("cafe\u0301 \u1112\u1161\u11ab", ["café", "한"]),
        ("nul\0nul\u202eright", ["nul", "nul", "right"]),
        (" \t. ", []),
        ("", []),
    ],
)
def test_words_are_lower_case_runs_of_letters_and_digits(text, words):
    assert words_of(text) == words


def test_ngrams_are_runs_of_neighbours():
    assert grams_of("not so good", 1) == ["not", "so", "good"]
    assert grams_of("not so good", 3) == ["not", "so", "good", "not so", "so good", "not so good"]
    assert grams_of("good", 3) == ["good"]


def test_texts_become_numbers_and_back():
    texts = ["a b a", "", "c b"]
    grams, numbers = numbered(texts, 2)
    assert numbers.offsets.tolist() == [0, 5, 5, 8]
    assert Counter(grams[i] for i in numbers.values.tolist()) == Counter(gram for t in texts for gram in grams_of(t, 2))
    again = looked_up(texts, 2, {gram: i for i, gram in enumerate(grams)})
    assert torch.equal(again.values, numbers.values)
    assert looked_up(["x c"], 1, {"c": 7}).values.tolist() == [-1, 7]
    assert numbered(["", ""], 1)[1].offsets.tolist() == [0, 0, 0]


def test_equally_frequent_words_are_ranked_alphabetically():
    grams, numbers = numbered(["d c b a", "d c", "z z z"], 1)

    def chosen(size: int, min_count: int = 1) -> list[str]:
        return [grams[i] for i in most_frequent(grams, numbers.values, size, min_count).tolist()]

    assert chosen(10) == ["z", "c", "d", "a", "b"]
    assert chosen(2) == ["z", "c"]
    assert chosen(10, min_count=2) == ["z", "c", "d"]
    assert chosen(10, min_count=4) == []


def test_known_words_count_once_or_as_often_as_they_stand():
    texts = Ragged.of([[2, -1, 2, 0], [], [-1], [1]])
    once, often = known_only(texts, 3, once=True), known_only(texts, 3, once=False)
    assert (once.values.tolist(), once.offsets.tolist()) == ([0, 2, 1], [0, 2, 2, 2, 3])
    assert (often.values.tolist(), often.offsets.tolist()) == ([0, 2, 2, 1], [0, 3, 3, 3, 4])
    assert once.values.dtype is torch.int32
