"""A whole training that takes milliseconds: six batches an epoch, dropout, batch norm, AdamW, a cosine."""

import contextlib
import hashlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dltk.config.sections import CheckpointOptions, TrainOptions
from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.plans import shuffled
from dltk.data.splits import Splits
from dltk.training.board import Board, NoBoard
from dltk.training.early_stopping import Selection
from dltk.training.learner import Learner
from dltk.training.loggers import RunLog, Screen
from dltk.training.loop import Fitting, Progress, fit, restore
from dltk.training.loss_task import LossTask
from dltk.training.optimization import OptimizationSettings
from dltk.training.optimizers import SGD, AdamW
from dltk.training.record import BEGINNING, Metrics
from dltk.training.saving.checkpoint import Checkpoints
from dltk.training.schedules import Constant, Cosine, ScheduleSettings
from dltk.training.session import Session
from dltk.training.signals import Stopped, StopRequest
from dltk.training.updates.optimizer_settings import OptimizerSettings

NOTHING_FITTED: Any = None
CPU = torch.device("cpu")
BATCHES_PER_EPOCH = 6
THREE_EPOCHS = TrainOptions(epochs=3)
SELDOM = CheckpointOptions(every_seconds=1e6)
ADAMW = AdamW(lr=0.05)
COSINE = Cosine()


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))


def samples(num_samples: int = 23, batch_size: int = 4, seed: int = 1, plan: Any = None) -> InMemory:
    x = torch.randn(num_samples, 3, generator=torch.Generator().manual_seed(seed))
    y = x.sum(1, keepdim=True).sin()
    return InMemory({"x": x}, {"y": y}, Loading(batch_size, plan or shuffled(0)))


def squared(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (predictions - targets).square().mean(1)


TASK = LossTask("mse", squared, lambda predictions: [{"y": value} for value in predictions.flatten().tolist()])


@dataclass
class Interrupted:
    """Batches during which a signal comes: while the batch of a step, counted from 0 over all epochs, is asked for."""

    batches: InMemory
    signals: dict[int, signal.Signals] = field(default_factory=dict)
    stop: StopRequest = field(default_factory=StopRequest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(self.batches.epoch(number, start=start), start):
            wanted = self.signals.get(number * self.batches.num_batches + position)
            if wanted is not None:
                self.stop.take(wanted, None)
            yield batch


class Killed(BaseException):
    """Ends a training at once: nothing more is saved, nothing is said."""


@dataclass(frozen=True)
class Mortal:
    """Batches that a training dies of: when the batch of a step, counted from 0 over all epochs, is asked for."""

    batches: InMemory
    step: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        for position, batch in enumerate(self.batches.epoch(number, start=start), start):
            if number * self.batches.num_batches + position == self.step:
                raise Killed
            yield batch


@dataclass(frozen=True)
class Trial:
    """A training in a directory, which can be begun, stopped and gone on with like a run."""

    directory: Path
    options: TrainOptions = THREE_EPOCHS
    checkpoint: CheckpointOptions = SELDOM
    optimizer: OptimizerSettings = ADAMW
    schedule: ScheduleSettings = COSINE
    updates: OptimizationSettings = field(default_factory=OptimizationSettings)
    patience: int | None = None
    run_id: str = "this"
    signals: dict[int, signal.Signals] = field(default_factory=dict)
    train: Any = field(default_factory=samples)
    val: Any = field(default_factory=lambda: samples(9, 9, seed=2))
    task: Any = TASK
    model: Callable[[], nn.Module] = network
    board: Board = field(default_factory=NoBoard)
    screen: Screen = field(default_factory=lambda: Screen(quiet=True))

    @property
    def metrics(self) -> Metrics:
        return Metrics(self.directory / "metrics.jsonl")

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.directory / "checkpoints", self.checkpoint, self.run_id, "prepared")

    @property
    def steps(self) -> list[int]:
        return sorted(int(path.name[5:]) for path in (self.directory / "checkpoints").glob("step-*"))

    def fitting(self) -> Fitting:
        (self.directory / "checkpoints").mkdir(parents=True, exist_ok=True)
        stop = StopRequest()
        train = Interrupted(self.train, self.signals, stop) if self.signals else self.train
        epochs, batches = self.options.epochs, self.train.num_batches
        total = self.options.steps or (epochs * batches if epochs is not None and batches else None)
        settings = replace(self.updates, optimizers={"": self.optimizer}, schedules={"": self.schedule})
        selection = Selection("val/mse", "min", patience=self.patience) if self.val is not None else Selection(None)
        return Fitting(
            self.task.learner(self.model(), settings, Session(0, CPU, total, batches)),
            self.task,
            Splits(train, self.val, None, NOTHING_FITTED),
            self.options,
            selection,
            self.checkpoints,
            RunLog(self.screen, self.metrics, self.board),
            stop,
        )

    def go(self) -> tuple[Learner, Progress]:
        """Train to the end, from the last checkpoint if there is one."""
        return self.go_on(self.fitting())

    def go_on(self, fitting: Fitting) -> tuple[Learner, Progress]:
        """Train likewise with what `fitting` returned, or something like it."""
        fitting.checkpoints.clear_leftovers()
        last = fitting.checkpoints.last()
        if last is None:
            fitting.log.rewind(BEGINNING, 0)
        progress = fit(fitting, restore(fitting, last) if last else Progress())
        return fitting.learner, progress

    def stopped(self, step: int, by: signal.Signals = signal.SIGTERM) -> int:
        """Train until a signal comes while step `step` is computed; return the exit code."""
        try:
            replace(self, signals={step - 1: by}).go()
        except Stopped as stopped:
            return stopped.code
        raise AssertionError("nothing was stopped")

    def killed(self, step: int) -> None:
        """Train until step `step` is done, and die before the next."""
        with contextlib.suppress(Killed):
            replace(self, train=Mortal(self.train, step)).go()
            raise AssertionError("nothing was killed")


def patient(directory: Path, epochs: int = 20) -> Trial:
    """Return a training that gets worse after some epochs, and stops two evaluations later."""
    return Trial(directory, TrainOptions(epochs=epochs), optimizer=SGD(lr=0.6), schedule=Constant(), patience=2)


def bits(learner: Learner) -> str:
    """Return a digest of names, types, shapes and bytes of all weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(learner.inference_model().state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def record(metrics: Metrics) -> list[dict[str, Any]]:
    """Return the rows without what the clock says."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in metrics.rows()]


def files_in(directory: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
