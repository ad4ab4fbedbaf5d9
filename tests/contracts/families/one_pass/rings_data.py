"""Points on three rings, one class each; one's own are written x,y."""

from collections.abc import Sequence

import torch

from dltk.config.seeds import derive
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Spec, Vector


class Config(Settings):
    num_points: PositiveInt = 300
    """How many there are."""


def describe(config: Config) -> Spec:
    return Spec({"point": Vector(2)}, {"ring": Classes(("inner", "middle", "outer"))})


def read(config: Config) -> Source:
    generator = torch.Generator().manual_seed(derive(0, "rings"))
    rings = torch.arange(config.num_points) % 3
    angles = 2 * torch.pi * torch.rand(config.num_points, generator=generator)
    radii = 1 + rings + 0.2 * torch.randn(config.num_points, generator=generator)
    points = torch.stack([angles.cos() * radii, angles.sin() * radii], 1)
    return Source({"train": Columns({"point": points}, {"ring": rings}, stratify="ring")})


class Points:
    spec = describe(Config())

    def open(self, inputs: Sequence[str]) -> Columns:
        return Columns({"point": torch.tensor([list(map(float, text.split(","))) for text in inputs])}, {}, inputs)

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok"] * len(samples)

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        return InMemory(samples.inputs, samples.targets, loading)

    def state(self) -> State:
        return {}


def prepare(config: Config, train: Columns) -> Points:
    return Points()


def restore(config: Config, state: State) -> Points:
    return Points()
