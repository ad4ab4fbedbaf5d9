"""Three shipped configs as scripts one writes by hand: read, split, train, evaluate, keep the best, test, save.

`python -m benchmarks.by_hand CASE FOLDER` prints the test score as JSON. Data lie below $DLTK_DATA.
"""

from __future__ import annotations

import copy
import csv
import gzip
import json
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.networks import NETWORKS

DATA = Path(os.environ.get("DLTK_DATA", "."))
EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Case:
    """A training.

    Attributes:
        network: What is trained.
        epochs: How long.
        batch_size: Samples per step.
        optimizer: Makes the optimizer.
        is_annealed: Whether the rate falls along half a cosine.
    """

    network: str
    epochs: int
    batch_size: int
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    is_annealed: bool = True


CASES = {
    "mnist_dense": Case("mlp", 5, 128, lambda model: torch.optim.Adam(model.parameters(), 3e-3, fused=True)),
    "mnist_lenet": Case("lenet", 2, 128, lambda model: torch.optim.Adam(model.parameters(), 2e-3, fused=True)),
    "boston_mlp": Case(
        "small_mlp", 100, 16, lambda model: torch.optim.RMSprop(model.parameters(), 1e-3), is_annealed=False
    ),
}


def main(name: str, folder: Path) -> None:
    """Do everything a run does."""
    case = CASES[name]
    torch.manual_seed(0)
    train, val, test = _houses() if name == "boston_mlp" else _digits()
    model = NETWORKS[case.network]()
    optimizer = case.optimizer(model)
    steps = case.epochs * math.ceil(len(train[0]) / case.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if case.is_annealed else None
    score_of = _accuracy if case.is_annealed else _mean_error
    best, best_score = copy.deepcopy(model.state_dict()), -math.inf
    for _ in range(case.epochs):
        model.train()
        for indices in torch.split(torch.randperm(len(train[0])), case.batch_size):
            x, y = train[0].index_select(0, indices), train[1].index_select(0, indices)
            loss = F.cross_entropy(model(x), y) if case.is_annealed else F.mse_loss(model(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if schedule is not None:
                schedule.step()
        if val is not None and score_of(model, val) > best_score:
            best, best_score = copy.deepcopy(model.state_dict()), score_of(model, val)
    if val is not None:
        model.load_state_dict(best)
    torch.save(model.state_dict(), folder / "model.pt")
    sys.stdout.write(json.dumps({"scores": {"test/score": abs(score_of(model, test))}}) + "\n")


def _digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor] | None, tuple[Tensor, Tensor]]:
    """Return 54,000 training, 6,000 val and 10,000 test images, pixels from 0 to 1."""
    parts = []
    for part in ("train", "t10k"):
        arrays = []
        for kind, offset in (("images-idx3", 16), ("labels-idx1", 8)):
            with gzip.open(DATA / "mnist" / f"{part}-{kind}-ubyte.gz") as file:
                arrays.append(torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)[offset:])
        parts.append((arrays[0].view(-1, 1, 28, 28).float().div_(255), arrays[1].long()))
    (images, labels), test = parts
    order = torch.randperm(len(images))
    kept, aside = order[6_000:], order[:6_000]
    return (images[kept], labels[kept]), (images[aside], labels[aside]), test


def _houses() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor] | None, tuple[Tensor, Tensor]]:
    """Return 404 training and 102 test houses, scaled by the training ones."""
    with (DATA / "boston-housing" / "housing.csv").open(encoding="utf-8") as file:
        rows = torch.tensor([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    rows = rows[torch.randperm(len(rows))]
    mean, deviation = rows[:404].mean(0), rows[:404].std(0)
    scaled = (rows - mean) / deviation
    return (scaled[:404, :13], scaled[:404, 13:]), None, (scaled[404:, :13], scaled[404:, 13:])


def _outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part) for part in torch.split(inputs, EVALUATION_BATCH)])


def _accuracy(model: nn.Module, samples: tuple[Tensor, Tensor]) -> float:
    return (_outputs(model, samples[0]).argmax(1) == samples[1]).double().mean().item()


def _mean_error(model: nn.Module, samples: tuple[Tensor, Tensor]) -> float:
    """Return minus the mean absolute error, in deviations of the training targets."""
    return -(_outputs(model, samples[0]) - samples[1]).abs().mean().item()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
