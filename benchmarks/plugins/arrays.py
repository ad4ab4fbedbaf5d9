"""Sequences of token ids from a .npz file: what the workloads read whose families have no shipped data set."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from dltk.config.sections import PathText
from dltk.config.settings import PositiveInt, Settings
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


def describe(config: Config) -> Spec:
    """Return one sequence of ids, and what is asked for."""
    tokens = Tokens(tuple(map(str, range(config.vocabulary))), config.length)
    return Spec({"tokens": tokens}, {"target": tokens if config.targets == "tokens" else Classes(("no", "yes"))})


def read(config: Config) -> Source:
    """Return all samples as training samples."""
    return Source({"train": _read_file(config.path)})


def prepare(config: Config, train: Columns) -> TensorPreparation:
    """Take the ids as they are."""
    return TensorPreparation.fit(describe(config), train, _read_file)


def restore(config: Config, state: State) -> TensorPreparation:  # noqa: ARG001
    """Rebuild the preparation."""
    return TensorPreparation.restore(state, _read_file)


def _read_file(path: str) -> Columns:
    arrays: dict[str, NDArray[np.int64]] = np.load(path, allow_pickle=False)
    return Columns(
        {"tokens": torch.from_numpy(arrays["inputs"])}, {"target": torch.from_numpy(arrays["targets"])}, names=()
    )
