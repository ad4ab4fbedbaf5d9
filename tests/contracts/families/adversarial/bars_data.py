"""Images of 8 x 8 pixels with one bright bar, upright or lying."""

from collections.abc import Sequence
from typing import NoReturn

import torch

from dltk.config.errors import UsageError
from dltk.config.seeds import derive
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Image, Spec

SIDE = 8


class Config(Settings):
    num_images: PositiveInt = 220
    """How many there are."""


def describe(config: Config) -> Spec:
    return Spec({"image": Image(1, SIDE, SIDE)}, {})


def read(config: Config) -> Source:
    generator = torch.Generator().manual_seed(derive(0, "bars"))
    places = torch.randint(2, 6, (config.num_images,), generator=generator)
    lying = torch.zeros(config.num_images, 1, SIDE, SIDE)
    lying[torch.arange(config.num_images), :, places] = 1.0
    is_upright = torch.rand(config.num_images, 1, 1, 1, generator=generator) < 0.5
    return Source({"train": Columns({"image": torch.where(is_upright, lying.transpose(2, 3), lying)}, {})})


class Bars:
    spec = describe(Config())

    def open(self, inputs: Sequence[str]) -> NoReturn:
        raise UsageError("bars are drawn, not read", do="give --count N")

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok"] * len(samples)

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        return InMemory(samples.inputs, samples.targets, loading)

    def state(self) -> State:
        return {}


def prepare(config: Config, train: Columns) -> Bars:
    return Bars()


def restore(config: Config, state: State) -> Bars:
    return Bars()
