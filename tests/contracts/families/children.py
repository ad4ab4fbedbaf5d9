"""What the families do in processes of their own, and how they die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dltk.config import plugins, registry
from dltk.config.errors import DltkError
from dltk.data.batches import Batch, Batches, Loading
from dltk.data.plans import in_order
from tests.children import FIXED


@dataclass(frozen=True)
class Death:
    """When a process dies: as a batch of an epoch is asked for, of the training split or of one that is scored."""

    epoch: int
    batch: int
    training: bool = True


@dataclass(frozen=True)
class Mortal:
    """Batches that a process dies of."""

    batches: Batches
    death: Death

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(self.batches.epoch(number, start=start), start):
            if (number, position) == (self.death.epoch, self.death.batch):
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch


def train(folder: Path, where: Path, death: Death | None = None, overrides: Sequence[str] = ()) -> None:
    """Train a family, or go on where it was killed."""
    from dltk.experiment import RunOptions
    from dltk.experiment import train as train_run

    config = plug_in(folder)
    if death is not None:
        die(registry.load("datasets", yaml.safe_load(config.read_text())["data"]["name"]), death)
    train_run(config, [*FIXED, *overrides], RunOptions(output_dir=where, resume="auto", quiet=True))


def evaluate(folder: Path, run: Path) -> dict[str, float]:
    """Return the scores that evaluating a run gives."""
    import dltk

    plug_in(folder)
    return dict(dltk.load(run).evaluate().scores)


def ask(folder: Path, run: Path, question: dict[str, Any]) -> list[dict[str, Any]] | int:
    """Return the rows that answer a question, or the code of the error."""
    import dltk
    from dltk.training.task import Request

    plug_in(folder)
    inputs = [folder / text if (folder / text).is_file() else text for text in question.get("inputs", ())]
    request = Request(**{name: value for name, value in question.items() if name != "inputs"})
    try:
        rows = dltk.load(run).predict(inputs, request)
    except DltkError as error:
        return error.code
    return [
        {name: value.tolist() if hasattr(value, "tolist") else value for name, value in row.items()} for row in rows
    ]


def cross_validate(folder: Path, where: Path, folds: int) -> dict[str, list[float]]:
    """Return each val score's value on every fold, after one epoch."""
    from dltk.experiment import RunOptions
    from dltk.study.cross_validation import cross_validate as run_folds

    config = plug_in(folder)
    options = RunOptions(output_dir=where, quiet=True)
    return run_folds(config, [*FIXED, "train.epochs=1"], folds, options).values()


def plug_in(folder: Path) -> Path:
    """Load a family's components, as `--plugin` does; return its config."""
    for path in sorted(folder.glob("*.py")):
        plugins.use_plugin(path)
    return folder / "config.yaml"


def die(dataset: Any, death: Death) -> None:
    """Let the batches that a dataset's preparation makes kill this process; dltk knows nothing of it."""
    prepare = dataset.prepare

    def prepare_mortally(config: Any, train: Any) -> Any:
        preparation = prepare(config, train)
        parse = preparation.parse

        def parse_mortally(samples: Any, loading: Loading) -> Any:
            batches = parse(samples, loading)
            return Mortal(batches, death) if (loading.plan is not in_order) == death.training else batches

        preparation.parse = parse_mortally
        return preparation

    dataset.prepare = prepare_mortally
