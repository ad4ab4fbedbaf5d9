"""A stream of sentences on two topics, read as pairs of neighbouring words; only reading tells how many there are."""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NoReturn

import torch
from torch import Tensor

from dltk.config.seeds import derive
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import Batch, Batches, InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Ids, Spec

TOPICS = (("sun", "moon", "star", "sky"), ("cat", "dog", "cow", "hen"))


class Config(Settings):
    num_sentences: PositiveInt = 200
    """How many the stream has."""


def describe(config: Config) -> Spec:
    return Spec({"word": Ids(0), "neighbour": Ids(0)}, {})


def read(config: Config) -> Source:
    return Source({"train": config})


def sentences(config: Config) -> Iterator[list[str]]:
    generator = torch.Generator().manual_seed(derive(0, "sentences"))
    for i in range(config.num_sentences):
        yield [TOPICS[i % 2][word] for word in torch.randint(4, (2 + i % 7,), generator=generator).tolist()]


class Pairs:
    num_samples = num_batches = None

    def __init__(self, stream: Config, words: Sequence[str], loading: Loading) -> None:
        self.stream, self.words, self.loading = stream, words, loading

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        numbered = ([self.words.index(word) for word in sentence] for sentence in sentences(self.stream))
        pairs = (pair for a in numbered for b in pairwise(a) for pair in (b, b[::-1]))
        skipped = start * self.loading.batch_size
        next(islice(pairs, skipped, skipped), None)
        while taken := list(islice(pairs, self.loading.batch_size)):
            word, neighbour = torch.tensor(taken, device=self.loading.device).unbind(1)
            yield Batch({"word": word, "neighbour": neighbour}, None, len(taken))

    def take(self, indices: Tensor) -> NoReturn:
        raise TypeError("a stream has no positions to choose")

    def whole(self) -> Batch:
        return Batch.joined(list(self.epoch(0)))


class Vocabulary:
    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.spec = words, Spec({"word": Ids(len(words)), "neighbour": Ids(len(words))}, {})

    def open(self, inputs: Sequence[str]) -> Columns:
        return Columns({"word": list(inputs)}, {}, inputs)

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok" if word in self.words else "invalid" for word in samples.inputs["word"]]

    def parse(self, samples: Config | Columns, loading: Loading) -> Batches:
        if isinstance(samples, Config):
            return Pairs(samples, self.words, loading)
        return InMemory({"word": torch.tensor([self.words.index(w) for w in samples.inputs["word"]])}, {}, loading)

    def state(self) -> State:
        return {"words": list(self.words)}


def prepare(config: Config, train: Config) -> Vocabulary:
    return Vocabulary(sorted({word for sentence in sentences(train) for word in sentence}))


def restore(config: Config, state: State) -> Vocabulary:
    return Vocabulary(state["words"])
