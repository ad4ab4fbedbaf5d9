"""The workloads: what is trained, as a dltk experiment, and how it is cut into rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

PLUGINS = tuple(sorted((Path(__file__).parent / "plugins").glob("*.py")))
Loss = Literal["classes", "two_classes", "numbers", "tokens", "pairs", "stars"]


@dataclass(frozen=True)
class Workload:
    """A training that every contestant does.

    Attributes:
        key: What the command line calls it.
        title: For tables.
        data: Section of the experiment; `material` fills in the files.
        model: Likewise.
        network: Which hand-written network is the same.
        loss: Which loss is.
        material: Which data are looked for, and generated where they are absent.
        batch_size: Samples per step.
        epochs: Of a run; what a program chooses by the length of a run follows from it.
        round_epochs: Of a round; where that is the whole run, each round begins anew.
        tolerance: Largest relative difference between the last losses of two fp32 contestants that do the same.
        smallest_loss: Losses below are alike: after so many steps they jump between batches by more than they are.
        is_cold: Each round is a process of its own, without a round to warm up.
        lr: Of the optimizer.
        task: Section of the experiment; None where data and model say what it is.
        optimizer: Which one, and its options but lr.
        falls: Whether the learning rate falls to zero in a straight line.
    """

    key: str
    title: str
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    network: str
    loss: Loss
    material: str
    batch_size: int
    epochs: int
    round_epochs: int = 1
    tolerance: float = 0.02
    smallest_loss: float = 0.0
    is_cold: bool = False
    lr: float = 1e-3
    task: Mapping[str, Any] | None = None
    optimizer: Mapping[str, Any] = field(default_factory=lambda: {"name": "adam"})
    falls: bool = False

    def experiment(self, data: Mapping[str, Any], *, precision: str = "auto") -> dict[str, Any]:
        """Return the dltk experiment; `data` says where the files are."""
        return {
            "name": f"workload_{self.key}",
            "seed": 0,
            "data": {**self.data, "batch_size": self.batch_size, "val_fraction": 0, **data},
            "model": dict(self.model),
            **({} if self.task is None else {"task": dict(self.task)}),
            "optimizer": {**self.optimizer, "lr": self.lr},
            **({"schedule": {"name": "polynomial"}} if self.falls else {}),
            "train": {"epochs": self.epochs, "precision": precision},
            "checkpoint": {"every_seconds": 1_000_000},
            "tensorboard": None,
        }


_BOSTON: Mapping[str, Any] = {"name": "boston", "split": "keras"}
_SMALL_MLP: Mapping[str, Any] = {"name": "mlp", "hidden": [64, 64]}

WORKLOADS: Mapping[str, Workload] = {
    workload.key: workload
    for workload in (
        Workload(
            "a",
            "MLP 784-512-10, MNIST, batch 128",
            {"name": "mnist"},
            {"name": "mlp", "hidden": [512]},
            *("mlp", "classes", "mnist", 128),
            epochs=10,
        ),
        Workload(
            "b",
            "LeNet-5, MNIST, batch 128",
            {"name": "mnist", "subset": 19_200},
            {"name": "lenet"},
            *("lenet", "classes", "mnist", 128),
            epochs=30,
        ),
        Workload(
            "c",
            "ResNet-20, CIFAR-10, batch 128",
            {"name": "cifar10", "subset": 640},
            {"name": "resnet", "depth": 20},
            *("resnet20", "classes", "cifar10", 128),
            epochs=800,
            tolerance=0.05,
        ),
        Workload(
            "d",
            "LSTM, texts of 200 words, batch 64",
            {"name": "arrays", "vocabulary": 10_000, "length": 200, "targets": "classes", "test_fraction": 0},
            {
                "name": "sequential",
                "layers": [{"name": "embedding", "units": 128}, {"name": "lstm", "units": 128}],
            },
            *("lstm", "two_classes", "reviews", 64),
            epochs=180,
        ),
        Workload(
            "e",
            "MLP 13-64-64-1, 404 rows, batch 16, 100 epochs",
            _BOSTON,
            _SMALL_MLP,
            *("small_mlp", "numbers", "houses", 16),
            epochs=100,
            round_epochs=100,
        ),
        Workload(
            "f",
            "Transformer of 4 blocks, 128 characters, batch 32",
            {"name": "arrays", "vocabulary": 65, "length": 128, "targets": "tokens", "test_fraction": 0},
            {"name": "character_transformer"},
            *("transformer", "tokens", "plays", 32),
            epochs=600,
            task={"name": "next_character"},
        ),
        Workload(
            "words",
            "Word vectors of 100 numbers, WikiText-2, 256 stretches of 16 words, 2 epochs",
            {"name": "arrays", "vocabulary": 6_501, "length": 26, "targets": "tokens", "test_fraction": 0},
            {"name": "word_vectors"},
            *("word_vectors", "pairs", "words", 256),
            epochs=2,
            round_epochs=2,
            tolerance=0.05,
            lr=0.05,
            task={"name": "neighbours"},
            falls=True,
        ),
        Workload(
            "ratings",
            "Matrix factorisation of 50 numbers, MovieLens-100K, 1017 times 16 ratings of a user, 20 epochs",
            {"name": "arrays", "vocabulary": 2_626, "length": 17, "targets": "tokens", "test_fraction": 0},
            {"name": "factors"},
            *("factors", "stars", "ratings", 1_017),
            epochs=20,
            round_epochs=20,
            lr=75.0,
            task={"name": "star_ratings"},
            optimizer={"name": "sgd", "weight_decay": 2e-4},
        ),
        Workload(
            "e_long",
            "the same as e, 5000 epochs in a new process",
            _BOSTON,
            _SMALL_MLP,
            *("small_mlp", "numbers", "houses", 16),
            epochs=5000,
            round_epochs=5000,
            tolerance=0.5,
            smallest_loss=0.01,
            is_cold=True,
        ),
    )
}
"""By key, in the order of tables."""


def _scaled(quantity: str, value: int) -> Workload:
    """Return workload a on 6,000 rows for one epoch, but for one quantity."""
    rows, epochs = value if quantity == "rows" else 6_000, value if quantity == "epochs" else 1
    return replace(
        WORKLOADS["a"],
        key=f"{quantity}_{value}",
        data={"name": "mnist", "subset": rows},
        model={"name": "mlp", "hidden": [value if quantity == "width" else 512]},
        batch_size=value if quantity == "batch" else 128,
        epochs=epochs,
        round_epochs=epochs,
    )


SCALED: Mapping[str, Sequence[int]] = {
    "rows": (6_000, 19_000, 60_000),
    "epochs": (1, 3, 10),
    "batch": (32, 64, 128, 256, 512),
    "width": (64, 128, 256, 512, 1_024),
}
"""What cost is measured against, and at which values."""
SCALING: Mapping[str, Workload] = {
    workload.key: workload for workload in (_scaled(name, value) for name, values in SCALED.items() for value in values)
}


def chosen(keys: Sequence[str]) -> list[Workload]:
    """Return workloads by key.

    Raises:
        ValueError: There is no such workload.
    """
    unknown = [key for key in keys if key not in WORKLOADS]
    if unknown:
        raise ValueError(f"there is no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    return [WORKLOADS[key] for key in keys]
