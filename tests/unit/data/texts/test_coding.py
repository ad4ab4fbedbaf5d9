from typing import Any

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from torch import Tensor

from dltk.config.errors import OptionError
from dltk.data.fields import Ragged
from dltk.data.specs import Bag, Tokens, Vector
from dltk.data.texts.coding import MAX_DENSE, Coding, expected_input, fit_coding, restored_coding
from dltk.data.texts.options import TextOptions
from dltk.data.texts.vocabularies import Buckets, Counted, Counting, Numbering, Vocabulary
from dltk.data.texts.words import WORD_PATTERN

TEXTS = [
    "It was good, good, GOOD.",
    "It was not good",
    "",
    "나는 이 영화를 좋아한다. 이 영화!",
    "...",
    "was it? was it?",
]
ANALYZERS = {"word": {"token_pattern": WORD_PATTERN}, "char": {"analyzer": "char"}}


def coded(texts: list[str], **options: Any) -> tuple[list[str], Coding, Ragged]:
    """Return the vocabulary, what was fitted, and the packed texts."""
    settings = TextOptions.parse(options)
    numbering, coding, numbers = fitted(settings, texts)
    return list(numbering.words), coding, coding.pack(numbers)


def fitted(settings: TextOptions, texts: list[str]) -> tuple[Numbering, Coding, Ragged]:
    counting = Counting(settings)
    numbers = counting.add(settings.cutting(texts))
    counted = counting.result()
    return counted.numbering, fit_coding(settings, counted), counted.renumbered(numbers)


def spread(texts: Any, size: int) -> Tensor:
    """Return bags as vectors."""
    if isinstance(texts, Tensor):
        return texts
    vectors = torch.zeros(len(texts), size)
    vectors[texts.rows, texts.values[:, 0].long()] = texts.values[:, 1]
    return vectors


def vectors(texts: list[str], **options: Any) -> tuple[list[str], Tensor]:
    words, coding, packed = coded(texts, **options)
    return words, spread(coding.finish(packed), len(words))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("ngrams", [1, [2, 4]])
@pytest.mark.parametrize("analyzer", ["word", "char"])
@pytest.mark.parametrize("encode", ["multi_hot", "count", "tf_idf", "sublinear"])
def test_weights_are_those_of_scikit_learn(encode, analyzer, ngrams, sparse):
    kind = CountVectorizer if encode in {"multi_hot", "count"} else TfidfVectorizer
    range_ = (1, ngrams) if isinstance(ngrams, int) else tuple(ngrams)
    special = {"multi_hot": {"binary": True}, "sublinear": {"sublinear_tf": True}}.get(encode, {})
    reference = kind(ngram_range=range_, **ANALYZERS[analyzer], **special)
    expected = reference.fit_transform(TEXTS).toarray()
    extra = {"encode": "tf_idf", "sublinear_tf": True} if encode == "sublinear" else {"encode": encode}
    words, got = vectors(TEXTS, analyzer=analyzer, ngrams=ngrams, sparse=sparse, **extra)
    columns = [reference.vocabulary_[word] for word in words]
    assert sorted(columns) == list(range(expected.shape[1]))
    np.testing.assert_allclose(got.numpy(), expected[:, columns], atol=1e-6, rtol=0)


def test_new_texts_are_weighed_by_the_training_texts():
    options = TextOptions(encode="tf_idf", vocabulary_size=4)
    numbering, coding, _ = fitted(options, TEXTS)
    reference = TfidfVectorizer(token_pattern=WORD_PATTERN, vocabulary=list(numbering.words)).fit(TEXTS)
    new = ["a good film, was it not?", "unheard of"]
    got = coding.finish(coding.pack(numbering.look_up(options.cutting(new))))
    assert isinstance(got, Tensor)
    np.testing.assert_allclose(got.numpy(), reference.transform(new).toarray(), atol=1e-6, rtol=0)


def test_the_textbooks_tf_idf_is_a_share_times_log10():
    texts = ["a new book about a book is a book", "a big dog and a dog with it"]
    words, got = vectors(texts, encode="tf_idf", idf="log10")
    shares = {word: got[:, words.index(word)].tolist() for word in ("a", "new", "book", "dog", "big")}
    assert shares["a"] == [0, 0]
    assert shares["new"] == [pytest.approx(0.033, abs=5e-4), 0]
    assert shares["book"] == [pytest.approx(0.1, abs=5e-4), 0]
    assert shares["dog"] == [0, pytest.approx(0.075, abs=5e-4)]
    assert shares["big"] == [0, pytest.approx(0.038, abs=5e-4)]


@pytest.mark.parametrize("idf", ["smooth", "log10"])
def test_hashed_words_are_weighed_too_and_empty_buckets_do_no_harm(idf):
    _, coding, packed = coded(TEXTS, encode="tf_idf", idf=idf, hashing=50)
    got = coding.finish(packed)
    assert isinstance(got, Tensor)
    assert got.shape == (6, 50)
    assert got.isfinite().all()
    assert coding.state()["idf"].isfinite().all()


def sequences(texts: list[str], **options: Any) -> list[list[int]]:
    _, coding, packed = coded(texts, encode="tokens", **options)
    got = coding.finish(packed)
    assert isinstance(got, Tensor)
    assert got.dtype is torch.int64
    rows: list[list[int]] = got.tolist()
    return rows


def test_sequences_keep_the_order_and_are_filled_up_at_the_start():
    texts = ["b a a", "a", "", "a a b"]
    assert sequences(texts) == [[3, 2, 2], [0, 0, 2], [0, 0, 0], [2, 2, 3]]
    assert sequences(texts, padding="end") == [[3, 2, 2], [2, 0, 0], [0, 0, 0], [2, 2, 3]]


def test_longer_texts_lose_their_start_or_their_end():
    texts = ["a b c d", "a"]
    assert sequences(texts, max_length=2) == [[4, 5], [0, 2]]
    assert sequences(texts, max_length=2, truncation="end", padding="end") == [[2, 3], [2, 0]]


def test_unknown_words_keep_their_place():
    assert sequences(["a b a c"], vocabulary_size=1) == [[2, 1, 2, 1]]


def test_the_tokens_of_the_data_are_named():
    words, coding, _ = coded(["b a a"], encode="tokens")
    assert coding.modality == Tokens(("<pad>", "<unk>", *words), length=3)


@pytest.mark.parametrize("options", [{"encode": "tf_idf", "sparse": True}, {"encode": "tokens"}, {"encode": "count"}])
def test_a_restored_coding_does_the_same(options):
    words, coding, packed = coded(TEXTS, **options)
    settings = TextOptions.parse(options)
    again = restored_coding(settings, Vocabulary(words), coding.state())
    assert again.modality == coding.modality
    _, _, numbers = fitted(settings, TEXTS)
    assert torch.equal(again.pack(numbers).values, packed.values)
    assert type(again.modality) is type(expected_input(settings))


def test_what_models_receive_is_known_before_a_text_is_read():
    assert expected_input(TextOptions(vocabulary_size=7)) == Vector(7)
    assert expected_input(TextOptions(hashing=9, sparse=True)) == Bag(9)
    assert expected_input(TextOptions(vocabulary_size=None)) == Vector(MAX_DENSE)
    assert expected_input(TextOptions(encode="tokens")).shape == (200,)


def test_vectors_that_would_fill_the_memory_are_refused():
    with pytest.raises(OptionError, match="sparse: vectors of 100,001 numbers"):
        fit_coding(TextOptions(hashing=MAX_DENSE + 1), Counted(Buckets(MAX_DENSE + 1), None, 1, 1))
