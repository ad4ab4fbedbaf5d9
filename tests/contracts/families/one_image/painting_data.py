"""One sample: a picture to keep the content of, and one to take the style from; an epoch shows it several times."""

from collections.abc import Iterator, Sequence
from typing import NoReturn

import torch
from torch import Tensor

from dltk.config.errors import UsageError
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Image, Spec

SIDE = 16


class Config(Settings):
    passes: PositiveInt = 20
    """How often an epoch shows the sample."""


def describe(config: Config) -> Spec:
    return Spec({"content": Image(1, SIDE, SIDE), "style": Image(1, SIDE, SIDE)}, {})


def read(config: Config) -> Source:
    places = torch.arange(SIDE)
    disc = (places - 7.5).square()[:, None] + (places - 7.5).square() < 30
    stripes = ((places[:, None] + places) % 4 < 2).float()
    return Source({"train": Columns({"content": disc.float()[None, None], "style": stripes[None, None]}, {})})


class Repeated:
    """The one sample, again and again."""

    def __init__(self, sample: InMemory, passes: int) -> None:
        self.sample, self.num_samples, self.num_batches = sample, passes, passes

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        for _ in range(start, self.num_batches):
            yield self.sample.whole()

    def take(self, indices: Tensor) -> InMemory:
        return self.sample.take(indices)

    def whole(self) -> Batch:
        return self.sample.whole()


class Shown:
    spec = describe(Config())

    def __init__(self, passes: int) -> None:
        self.passes = passes

    def open(self, inputs: Sequence[str]) -> NoReturn:
        raise UsageError("the picture is made for these data alone", do="give --count 1")

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok"] * len(samples)

    def parse(self, samples: Columns, loading: Loading) -> Repeated:
        return Repeated(InMemory(samples.inputs, {}, loading), self.passes)

    def state(self) -> State:
        return {"passes": self.passes}


def prepare(config: Config, train: Columns) -> Shown:
    return Shown(config.passes)


def restore(config: Config, state: State) -> Shown:
    return Shown(state["passes"])
