"""All short words of five letters, and the same words backwards; one's own words are the inputs themselves."""

from collections.abc import Sequence
from itertools import product

import torch

from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.fields import Ragged
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Spec, Tokens

LETTERS, SPECIAL = "abcde", ("<pad>", "<start>", "<end>")


class Config(Settings):
    longest: PositiveInt = 4
    """Letters of the longest ones."""


def describe(config: Config) -> Spec:
    return Spec({"word": Tokens(SPECIAL)}, {"backwards": Tokens(SPECIAL)})


def read(config: Config) -> Source:
    lengths = range(1, config.longest + 1)
    words = ["".join(letters) for length in lengths for letters in product(LETTERS, repeat=length)]
    return Source({"train": Columns({"word": words}, {"backwards": [word[::-1] for word in words]})})


class Letters:
    """The letters of the training words, numbered."""

    def __init__(self, letters: Sequence[str]) -> None:
        vocabulary = (*SPECIAL, *letters)
        self.letters, self.spec = letters, Spec({"word": Tokens(vocabulary)}, {"backwards": Tokens(vocabulary)})
        self.codes = {letter: code for code, letter in enumerate(vocabulary)}

    def open(self, inputs: Sequence[str]) -> Columns:
        return Columns({"word": list(inputs)}, {}, inputs)

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok" if word and set(word) <= {*self.letters} else "invalid" for word in samples.inputs["word"]]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        inputs = {name: self.numbered(words, ()) for name, words in samples.inputs.items()}
        targets = {name: self.numbered(words, ("<end>",)) for name, words in samples.targets.items()}
        return InMemory(inputs, targets, loading)

    def numbered(self, words: Sequence[str], end: tuple[str, ...]) -> Ragged:
        return Ragged.of([[self.codes[letter] for letter in (*word, *end)] for word in words], torch.int64)

    def state(self) -> State:
        return {"letters": list(self.letters)}


def prepare(config: Config, train: Columns) -> Letters:
    return Letters(sorted({letter for word in train.inputs["word"] for letter in word}))


def restore(config: Config, state: State) -> Letters:
    return Letters(state["letters"])
