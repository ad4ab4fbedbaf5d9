"""Which of 30 items each of 60 users liked: mostly those of one taste. One's own inputs are numbers of users."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dltk.config.seeds import derive
from dltk.config.settings import Fraction, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Ids, Spec

NUM_USERS, NUM_ITEMS, NUM_TASTES = 60, 30, 3


class Config(Settings):
    liked: Fraction = 0.8
    """Part of the items of their taste that users like."""


def describe(config: Config) -> Spec:
    return Spec({"user": Ids(NUM_USERS), "item": Ids(NUM_ITEMS)}, {})


def read(config: Config) -> Source:
    chance = torch.rand(NUM_USERS, NUM_ITEMS, generator=torch.Generator().manual_seed(derive(0, "liked")))
    alike = torch.arange(NUM_USERS)[:, None] % NUM_TASTES == torch.arange(NUM_ITEMS) % NUM_TASTES
    users, items = (chance < torch.where(alike, config.liked, 0.05)).nonzero().unbind(1)
    return Source({"train": Columns({"user": users, "item": items}, {})})


class Known:
    """What each user is known to like, bool (users, items)."""

    spec = describe(Config())

    def __init__(self, known: Tensor) -> None:
        self.known = known

    def open(self, inputs: Sequence[str]) -> Columns:
        numbers = [int(text) if text.isdecimal() else -1 for text in inputs]
        return Columns({"user": torch.tensor(numbers)}, {}, inputs)

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok" if 0 <= user < NUM_USERS else "invalid" for user in samples.inputs["user"].tolist()]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        return InMemory(samples.inputs, samples.targets, loading)

    def state(self) -> State:
        return {"known": self.known}


def prepare(config: Config, train: Columns) -> Known:
    known = torch.zeros(NUM_USERS, NUM_ITEMS, dtype=torch.bool)
    known[train.inputs["user"], train.inputs["item"]] = True
    return Known(known)


def restore(config: Config, state: State) -> Known:
    return Known(state["known"])
