"""Where the samples of a workload come from: real data below $DLTK_DATA, or generated ones in the same format."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks import corpora
from benchmarks.corpora import Found
from benchmarks.workloads import Workload
from dltk.config.errors import MissingInput, Unavailable
from dltk.data.batches import Loading
from dltk.datasets import imdb
from dltk.experiment.building import Built, build
from dltk.experiment.config import read_experiment

NUM_REVIEWS, NUM_WINDOWS, LENGTH = 640, 160, 128
NUM_WORDS, NUM_CHARACTERS, REVIEW_LENGTH = 10_000, 65, 200
HOUSES = "CRIM,ZN,INDUS,CHAS,NOX,RM,AGE,DIS,RAD,TAX,PTRATIO,B,LSTAT,MEDV"


@dataclass(frozen=True)
class Located:
    """Samples of a workload.

    Attributes:
        data: What the data section needs to find them.
        is_real: Whether they were found; else they are generated.
        built: Everything built from them.
        others: What else belongs to them, by name.
        note: What people should know about them.
    """

    data: Mapping[str, Any]
    is_real: bool
    built: Built
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    note: str = ""


def located(workload: Workload, folder: Path) -> Located:
    """Return the samples of a workload.

    Args:
        workload: Whose samples.
        folder: Where arrays and generated files are written.
    """
    if workload.material in _ARRAYS:
        find, generate = _ARRAYS[workload.material]
        path, is_real = folder / "sequences.npz", True
        try:
            found = find()
        except MissingInput:
            found, is_real = generate(), False
        np.savez(path, inputs=found.inputs, targets=found.targets)
        data = {"path": str(path)}
        return Located(data, is_real, _built(workload, data), found.others, found.note)
    try:
        return Located({}, True, _built(workload, {}))
    except (MissingInput, Unavailable):
        root = folder / "generated"
        _WRITERS[workload.material](root, np.random.default_rng(0))
        return Located({"root": str(root)}, False, _built(workload, {"root": str(root)}))


def _built(workload: Workload, data: Mapping[str, Any]) -> Built:
    return build(read_experiment(workload.experiment(data)), torch.device("cpu"))


def _reviews() -> Found:
    """Return films' reviews as ids of words, and whether they are positive."""
    config = imdb.Config.parse({"encode": "tokens", "vocabulary_size": NUM_WORDS - 2, "max_length": REVIEW_LENGTH})
    everything = imdb.read(config).parts["train"]
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(0))
    some = everything.take(order[:NUM_REVIEWS])
    batch = imdb.prepare(config, some).parse(some, Loading()).whole()
    inputs, targets = batch.inputs, batch.targets
    assert isinstance(inputs, Tensor)
    assert isinstance(targets, Tensor)
    return Found(inputs.long().numpy(), targets.long().numpy())


def _plays() -> Found:
    """Return windows of Shakespeare's plays as ids of characters, and the same one further."""
    path = Path(os.environ.get("DLTK_DATA", "")) / "tinyshakespeare" / "input.txt"
    if not path.is_file():
        raise MissingInput("there is no text", where=str(path))
    text = np.frombuffer(path.read_bytes(), np.uint8)
    ids = np.unique(text, return_inverse=True)[1].astype(np.int64)
    starts = np.arange(NUM_WINDOWS)[:, None] * LENGTH + np.arange(LENGTH)
    return Found(ids[starts], ids[starts + 1])


def _generated_reviews() -> Found:
    ids = np.random.default_rng(0).integers(1, NUM_WORDS, (NUM_REVIEWS, REVIEW_LENGTH))
    return Found(ids, np.arange(NUM_REVIEWS) % 2)


def _generated_plays() -> Found:
    ids = np.random.default_rng(0).integers(0, NUM_CHARACTERS, (NUM_WINDOWS, LENGTH + 1))
    return Found(ids[:, :-1].copy(), ids[:, 1:].copy())


def _write_digits(root: Path, generator: np.random.Generator) -> None:
    """Write noisy patterns, one per class, as IDX files of MNIST's sizes."""
    folder = root / "mnist"
    folder.mkdir(parents=True)
    patterns = generator.integers(0, 200, (10, 28, 28))
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = (patterns[labels] + generator.integers(0, 56, (count, 28, 28))).astype(np.uint8)
        header = np.array([2051, count, 28, 28], ">i4").tobytes()
        _write_gzip(folder / f"{part}-images-idx3-ubyte.gz", header + images.tobytes())
        _write_gzip(
            folder / f"{part}-labels-idx1-ubyte.gz", np.array([2049, count], ">i4").tobytes() + labels.tobytes()
        )


def _write_gzip(path: Path, content: bytes) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(content)


def _write_pictures(root: Path, generator: np.random.Generator) -> None:
    """Write noisy patterns, one per class, as CIFAR-10's records."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    patterns = generator.integers(0, 200, (10, 3072))
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        labels = (np.arange(10_000) % 10).astype(np.uint8)
        images = (patterns[labels] + generator.integers(0, 56, (10_000, 3072))).astype(np.uint8)
        (folder / f"{name}.bin").write_bytes(np.concatenate([labels[:, None], images], 1).tobytes())


def _write_houses(root: Path, generator: np.random.Generator) -> None:
    """Write a table of 506 rows, the target a noisy sum."""
    root.mkdir(parents=True)
    columns = generator.normal(size=(506, 13))
    target = 22 + 3 * columns.sum(1) + generator.normal(size=506)
    np.savetxt(root / "housing.csv", np.column_stack([columns, target]), "%.4f", ",", header=HOUSES, comments="")


_ARRAYS: Mapping[str, tuple[Callable[[], Found], Callable[[], Found]]] = {
    "reviews": (_reviews, _generated_reviews),
    "plays": (_plays, _generated_plays),
    "words": (corpora.words, corpora.generated_words),
    "ratings": (corpora.ratings, corpora.generated_ratings),
}
"""What is read from one file of arrays: how it is found, and how it is generated."""
_WRITERS = {"mnist": _write_digits, "cifar10": _write_pictures, "houses": _write_houses}
