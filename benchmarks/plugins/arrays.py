"""Sequences of ids from a .npz file: what the workloads read whose families have no shipped data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dltk.config.sections import PathText
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Spec, Tokens
from dltk.data.tensors import TensorPreparation


class Config(Settings):
    """Options of the data."""

    path: PathText
    """A .npz file with `inputs` (N, length) and `targets`, (N,) or (N, length)."""
    vocabulary: PositiveInt
    """How many different ids there are."""
    length: PositiveInt
    """Ids in each sequence."""
    targets: Literal["classes", "tokens"]
    """What is asked for: one of two classes, or a sequence of ids."""


class Counted:
    """Takes the ids as they are, and knows how often each is in the training samples.

    Args:
        taking: Does all the rest.
        counts: By id.
    """

    def __init__(self, taking: TensorPreparation, counts: Tensor) -> None:
        self._taking, self.counts = taking, counts

    @property
    def spec(self) -> Spec:
        """Ids, and what is asked for."""
        return self._taking.spec

    def open(self, inputs: Sequence[str]) -> Columns:
        """Read a user's files."""
        return self._taking.open(inputs)

    def statuses(self, samples: Columns) -> list[str]:
        """Return "ok" for each sample."""
        return self._taking.statuses(samples)

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        """Batch them."""
        return self._taking.parse(samples, loading)

    def state(self) -> State:
        """Return the counts and the rest."""
        return {"counts": self.counts, "taking": self._taking.state()}


def describe(config: Config) -> Spec:
    """Return one sequence of ids, and what is asked for."""
    tokens = Tokens(tuple(map(str, range(config.vocabulary))), config.length)
    return Spec({"tokens": tokens}, {"target": tokens if config.targets == "tokens" else Classes(("no", "yes"))})


def read(config: Config) -> Source:
    """Return all samples as training samples."""
    return Source({"train": _read_file(config.path)})


def prepare(config: Config, train: Columns) -> Counted:
    """Count the ids."""
    counts = torch.bincount(train.inputs["tokens"].flatten(), minlength=config.vocabulary)
    return Counted(TensorPreparation.fit(describe(config), train, _read_file), counts)


def restore(config: Config, state: State) -> Counted:  # noqa: ARG001
    """Rebuild the preparation."""
    return Counted(TensorPreparation.restore(state["taking"], _read_file), state["counts"])


def _read_file(path: str) -> Columns:
    arrays: dict[str, NDArray[np.int64]] = np.load(path, allow_pickle=False)
    return Columns(
        {"tokens": torch.from_numpy(arrays["inputs"])}, {"target": torch.from_numpy(arrays["targets"])}, names=()
    )
