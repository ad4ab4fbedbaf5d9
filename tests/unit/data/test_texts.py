import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from torch import Tensor

from dltk.config.errors import DataError, MissingInput, OptionError
from dltk.data.batches import Loading, shuffled
from dltk.data.samples import Columns
from dltk.data.specs import Classes, Vector
from dltk.data.texts import TextOptions, TextPreparation, in_natural_order, labelled
from dltk.data.words import WORD_PATTERN

TEXTS = [
    "It was good, good, GOOD.<br /><br />I don't regret it",
    "It was not good",
    "",
    "나는 이 영화를 좋아한다. 이 영화!",
    "...",
    "What was that? was that all, was it?",
]
LABELS = ["pos", "neg", "neg", "pos", "neg", "neg"]
CLASSES = Classes(("neg", "pos"))


def fitted(texts: list[str] = TEXTS, classes: Classes = CLASSES, **options: Any) -> TextPreparation:
    return TextPreparation.fit(labelled(texts, LABELS, ()), TextOptions.parse(options), classes)


def vectors(preparation: TextPreparation, texts: list[str]) -> Tensor:
    inputs = preparation.parse(Columns({"text": texts}, {}), Loading()).whole().inputs
    assert isinstance(inputs, Tensor)
    return inputs


@pytest.mark.parametrize("encode", ["multi_hot", "count"])
@pytest.mark.parametrize("ngrams", [1, 2, 3])
def test_vectors_are_those_of_scikit_learn(encode, ngrams):
    reference = CountVectorizer(token_pattern=WORD_PATTERN, ngram_range=(1, ngrams), binary=encode == "multi_hot")
    counts = reference.fit_transform([text.replace("<br />", " ") for text in TEXTS]).toarray()
    preparation = fitted(encode=encode, ngrams=ngrams)
    columns = [reference.vocabulary_[word] for word in preparation.vocabulary]
    assert sorted(columns) == list(range(counts.shape[1]))
    np.testing.assert_array_equal(vectors(preparation, TEXTS).numpy(), counts[:, columns])


def test_the_vocabulary_has_the_most_frequent_words_first():
    assert fitted(vocabulary_size=4).vocabulary == ("was", "good", "it", "that")
    assert fitted(min_count=4).vocabulary == ("was", "good", "it")
    assert fitted(vocabulary_size=2).spec.input == Vector(2)


def test_what_fit_saw_and_what_parse_cuts_anew_agree():
    train = labelled(TEXTS, LABELS, ())
    for encode in ("multi_hot", "count"):
        preparation = TextPreparation.fit(train, TextOptions.parse({"encode": encode, "vocabulary_size": 5}), CLASSES)
        first, second = (preparation.parse(train, Loading()).whole() for _ in range(2))
        assert isinstance(first.inputs, Tensor)
        assert isinstance(second.inputs, Tensor)
        assert torch.equal(first.inputs, second.inputs)
        assert first.inputs.dtype is torch.float32


def test_batches_keep_texts_and_labels_together():
    train = labelled(TEXTS, LABELS, ())
    preparation = fitted()
    batches = preparation.parse(train, Loading(4, shuffled(0)))
    order = shuffled(0)(3, len(TEXTS))
    got: list[Any] = list(batches.epoch(3))
    assert [len(batch.inputs) for batch in got] == [4, 2]
    assert torch.equal(torch.cat([batch.inputs for batch in got]), vectors(preparation, TEXTS)[order])
    assert torch.equal(torch.cat([batch.targets for batch in got]), torch.tensor([1, 0, 0, 1, 0, 0])[order])


def test_a_text_without_known_words_is_a_row_of_zeros_and_says_so():
    preparation = fitted(vocabulary_size=2)
    texts = ["good", "", " !", "unheard of", "was"]
    samples = Columns({"text": texts}, {})
    assert preparation.statuses(samples) == ["ok", "empty", "empty", "unknown_words", "ok"]
    whole = preparation.parse(samples, Loading()).whole()
    assert isinstance(whole.inputs, Tensor)
    assert whole.inputs.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0], [1, 0]]
    assert whole.targets is None


def test_several_labels_are_zeros_and_ones():
    train = labelled(["a", "b", "c"], [("x", "y"), (), ("y",)], ())
    preparation = TextPreparation.fit(train, TextOptions(), Classes(("x", "y"), multi_label=True))
    whole = preparation.parse(train, Loading()).whole()
    assert isinstance(whole.targets, Tensor)
    assert whole.targets.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert whole.targets.dtype is torch.float32
    assert train.labels() is None
    none = labelled(["a"], [()], ())
    targets = preparation.parse(none, Loading()).whole().targets
    assert isinstance(targets, Tensor)
    assert targets.tolist() == [[0, 0]]


def test_a_label_that_training_never_saw_is_a_data_error():
    samples = labelled(["a", "b"], ["pos", "neutral"], ["r:2", "r:3"])
    with pytest.raises(DataError) as caught:
        fitted().parse(samples, Loading())
    assert caught.value.found == "r:3: 'neutral'"
    assert caught.value.expected == "'neg', 'pos'"


def test_texts_without_words_cannot_make_a_vocabulary():
    with pytest.raises(DataError, match="no words"):
        fitted(["", " ", "?", "!", "", ""])
    with pytest.raises(OptionError, match="min_count: no word of the training texts occurs 100 times"):
        fitted(min_count=100)


@pytest.mark.parametrize("options", [{}, {"encode": "count", "ngrams": 2, "vocabulary_size": 7}])
def test_a_restored_preparation_does_the_same(options):
    preparation = fitted(**options)
    restored = TextPreparation.restore(preparation.state())
    assert restored.spec == preparation.spec
    assert restored.state() == preparation.state()
    assert torch.equal(vectors(restored, TEXTS), vectors(preparation, TEXTS))


def test_each_line_of_a_file_is_a_text(tmp_path):
    (tmp_path / "a.txt").write_text("good\n\nbad\r\nlast", encoding="utf-8")
    samples = fitted().open([str(tmp_path / "a.txt")])
    assert samples.inputs["text"] == ["good", "", "bad", "last"]
    assert samples.names == ["a.txt:1", "a.txt:2", "a.txt:3", "a.txt:4"]
    assert samples.targets == {}


def test_each_text_file_of_a_folder_is_a_text(tmp_path):
    for name, text in {"b.txt": "two\nlines", "a.TXT": "one", "c.csv": "no", ".d.txt": "no"}.items():
        (tmp_path / name).write_text(text)
    samples = fitted().open([str(tmp_path)])
    assert dict(zip(samples.names, samples.inputs["text"], strict=True)) == {"a.TXT": "one", "b.txt": "two\nlines"}


def test_standard_input_is_read_line_by_line_and_inputs_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("좋다\nbad\n".encode())))
    (tmp_path / "a.txt").write_text("file")
    samples = fitted().open([str(tmp_path / "a.txt"), "-"])
    assert samples.inputs["text"] == ["file", "좋다", "bad"]
    assert samples.names == ["a.txt:1", "stdin:1", "stdin:2"]


def test_a_sentence_is_no_path_and_the_message_says_how_to_predict_it():
    with pytest.raises(MissingInput) as caught:
        fitted().open(["this film was good"])
    assert "| dltk predict RUN -" in caught.value.do


@pytest.mark.parametrize("name", ["a.csv", "a.jpg", "a"])
def test_files_of_another_kind_are_refused(tmp_path, name):
    (tmp_path / name).write_text("a,b")
    with pytest.raises(DataError, match="no file of texts"):
        fitted().open([str(tmp_path / name)])


def test_a_folder_without_texts_is_missing_input(tmp_path):
    with pytest.raises(MissingInput, match=r"no \*\.txt file"):
        fitted().open([str(tmp_path)])


def test_a_table_is_read_where_the_data_are_one(tmp_path):
    def read(path: str) -> Columns:
        return Columns({"text": [Path(path).name]}, {}, ["row"])

    (tmp_path / "a.csv").write_text("x")
    preparation = TextPreparation.restore(fitted().state(), read)
    assert preparation.open([str(tmp_path / "a.csv")]).inputs["text"] == ["a.csv"]


def test_class_names_that_are_numbers_are_sorted_as_numbers():
    assert in_natural_order({"10", "9", "-1"}) == ("-1", "9", "10")
    assert in_natural_order({"10", "9", "b"}) == ("10", "9", "b")
