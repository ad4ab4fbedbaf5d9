from typing import Any

import pytest
import torch
from torch import Tensor

from dltk.config.errors import DataError
from dltk.data.batches import Loading
from dltk.data.fields import Ragged
from dltk.data.plans import shuffled
from dltk.data.samples import Columns
from dltk.data.specs import Bag, Classes, Tokens, Vector
from dltk.data.texts.options import TextOptions
from dltk.data.texts.preparation import TextPreparation, expected_spec, in_natural_order, labelled

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


@pytest.mark.parametrize(
    "options", [{}, {"encode": "count", "ngrams": 2, "vocabulary_size": 7}, {"hashing": 5}, {"encode": "tf_idf"}]
)
def test_a_restored_preparation_does_the_same(options):
    preparation = fitted(**options)
    restored = TextPreparation.restore(preparation.state())
    assert restored.spec == preparation.spec
    assert restored.vocabulary == preparation.vocabulary
    assert torch.equal(vectors(restored, TEXTS), vectors(preparation, TEXTS))


def test_models_receive_vectors_bags_or_sequences():
    assert fitted(hashing=5, sparse=True).spec.input == Bag(5)
    assert fitted(encode="count", vocabulary_size=3).spec.input == Vector(3)
    tokens = fitted(encode="tokens", vocabulary_size=2, max_length=4)
    assert tokens.spec.input == Tokens(("<pad>", "<unk>", "was", "good"), 4)
    bags = fitted(sparse=True).parse(Columns({"text": TEXTS}, {}), Loading()).whole().inputs
    assert isinstance(bags, Ragged)
    assert expected_spec(TextOptions(sparse=True), CLASSES).targets == {"label": CLASSES}


def test_a_hashed_text_has_no_unknown_words():
    samples = Columns({"text": ["unheard of", "?"]}, {})
    assert fitted(hashing=5).statuses(samples) == ["ok", "empty"]
    assert fitted(encode="tokens").statuses(samples) == ["unknown_words", "empty"]


def test_class_names_that_are_numbers_are_sorted_as_numbers():
    assert in_natural_order({"10", "9", "-1"}) == ("-1", "9", "10")
    assert in_natural_order({"10", "9", "b"}) == ("10", "9", "b")
