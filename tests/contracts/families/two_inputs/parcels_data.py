"""Parcels: a picture of a label and a weight in, who sent it and what it costs out; one's own are JSON files."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from dltk.config.seeds import derive
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Image, Numbers, Spec, Vector

SENDERS = ("ann", "bob", "cid")


class Config(Settings):
    num_parcels: PositiveInt = 240
    """How many there are."""


def described(mean: float, scale: float) -> Spec:
    cost = Numbers(("cost",), ("euro",), (mean,), (scale,))
    return Spec({"label": Image(1, 6, 6), "weight": Vector(1)}, {"sender": Classes(SENDERS), "cost": cost})


def describe(config: Config) -> Spec:
    return described(0.0, 1.0)


def read(config: Config) -> Source:
    generator = torch.Generator().manual_seed(derive(0, "parcels"))
    senders = torch.randint(3, (config.num_parcels,), generator=generator)
    labels = 0.3 * torch.rand(config.num_parcels, 1, 6, 6, generator=generator)
    labels[torch.arange(config.num_parcels), :, 2 * senders] += 0.5  # each sender has a row of its own
    weights = torch.rand(config.num_parcels, 1, generator=generator)
    costs = 5 + 10 * weights * (1 + senders[:, None])
    columns = Columns({"label": labels, "weight": weights}, {"sender": senders, "cost": costs}, stratify="sender")
    return Source({"train": columns})


class Scaled:
    """Knows the mean and the scale of the cost."""

    def __init__(self, mean: float, scale: float) -> None:
        self.scaling = {"mean": mean, "scale": scale}
        self.spec = described(mean, scale)

    def open(self, inputs: Sequence[str]) -> Columns:
        read = [json.loads(Path(text).read_text()) for text in inputs]
        columns = {name: torch.tensor([parcel[name] for parcel in read]) for name in self.spec.inputs}
        return Columns(columns, {}, [Path(text).name for text in inputs])

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok"] * len(samples)

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        return InMemory(samples.inputs, samples.targets, loading)

    def state(self) -> State:
        return self.scaling


def prepare(config: Config, train: Columns) -> Scaled:
    cost = train.targets["cost"]
    return Scaled(cost.mean().item(), cost.std().item())


def restore(config: Config, state: State) -> Scaled:
    return Scaled(**state)
