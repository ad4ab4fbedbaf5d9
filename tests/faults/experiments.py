"""Small experiments that use every part of training that has a state, and what they give when nothing stops them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.commands import record, weights
from tests.endings import end_of
from tests.faults.lives import FIRST_CALLS, NEW, RUN, Moment, folder_in_memory, to_the_end

COMMON = "tensorboard: {images: false, pictures: false, pr_curves: false, hparams: false, text: false}\n"
CONFIGS = {
    "averaged": """\
data: {name: iris, batch_size: 12, val_fraction: 0.2, test_fraction: 0.2}
model:
  name: sequential
  initializer: he_normal
  layers: [{name: dense, units: 8}, {name: batch_norm}, {name: activation, function: relu}, {name: dropout}]
optimizer: {name: adamw, lr: 0.02}
schedule: {name: cosine}
train: {epochs: 16, threads: 1, device: cpu, ema: 0.9}
checkpoint: {every_steps: 5, every_seconds: 1000}
""",
    "augmented": """\
data:
  name: digits
  batch_size: 16
  subset: 160
  augment: [{name: crop, padding: 1}, {name: rotation}, {name: mixup}]
  val_fraction: 0.05
  test_fraction: 0.05
model: {name: cnn, layers: [4, pool, 8], batch_norm: true, dropout: 0.4}
optimizer: {name: adam, lr: 3e-3, clip_norm: 1.0}
schedule: {name: one_cycle}
train: {epochs: 12, accumulate: 3, evaluate_every: 7, threads: 1, device: cpu}
checkpoint: {every_steps: 4, every_seconds: 1000}
""",
    "adversarial": """\
data: {name: digits, batch_size: 16, subset: 160, val_fraction: 0.05, test_fraction: 0.05}
model: {name: gan, width: 16, latent_size: 8}
task: {name: gan, critic_steps: 3}
optimizer:
  generator: {name: adam, lr: 2e-3}
  discriminator: {name: adam, lr: 4e-3}
train: {epochs: 14, ema: 0.9, threads: 1, device: cpu}
checkpoint: {every_steps: 6, every_seconds: 1000}
""",
    "short": """\
data: {name: iris, batch_size: 30, val_fraction: 0.2, test_fraction: 0.2}
model: {name: mlp, hidden: [4], dropout: 0.2, initializer: he_normal}
optimizer: {name: adamw, lr: 0.05}
train: {epochs: 3, threads: 1, device: cpu}
checkpoint: {every_steps: 4, every_seconds: 1000}
""",
    "scored": """\
data: {name: digits, batch_size: 4, subset: 40, val_fraction: 0.06, test_fraction: 0.06}
model: {name: mlp, hidden: [8], dropout: 0.3}
optimizer: {name: adam, lr: 0.01, clip_norm: 1.0}
train: {epochs: 2, evaluate_every: 5, threads: 1, device: cpu}
checkpoint: {every_steps: 3, every_seconds: 1000}
""",
    "patient": """\
data: {name: iris, batch_size: 8, val_fraction: 0.3, test_fraction: 0.1}
model: {name: mlp, hidden: [8], dropout: 0.3}
optimizer: {name: sgd, lr: 0.5, momentum: 0.9}
schedule: {name: plateau, patience: 2}
train: {epochs: 60, threads: 1, device: cpu}
early_stopping: {patience: 8}
checkpoint: {every_steps: 5, every_seconds: 1000}
""",
}


@dataclass(frozen=True)
class Reference:
    """An experiment that ran to its end without a stop.

    Attributes:
        config: Its YAML.
        end: Everything that a stopped run must end with, too.
        rows: Its record, without what the clock says.
        weights: The digest of the weights after every step, by the checkpoint's name.
        calls: Python functions called in a life.
        begun_at: Of these, how many before the first step.
        ended_at: How many before the first after the last step.
    """

    config: str
    end: dict[str, Any]
    rows: list[dict[str, Any]]
    weights: dict[str, str]
    calls: int
    begun_at: int
    ended_at: int

    @property
    def steps(self) -> int:
        """How many batches it takes."""
        steps: int = self.end["step"]
        return steps

    def call(self, place: float, done: int) -> int:
        """Return the call of a life at a place in the run, from 0 to 1, where the life goes on at step `done`.

        A place that is behind already, or negative, becomes one before the life's first step.
        """
        ahead = place - done / self.steps
        if ahead <= 0:
            return FIRST_CALLS + int(abs(place) * (self.begun_at - FIRST_CALLS))
        return self.begun_at + int(ahead * (self.calls - self.begun_at))

    def moment(self, place: float, done: int, signals: Sequence[int]) -> Moment:
        """Return when signals come to a life at a place in the run, as `call` does, counted from its own first step."""
        ahead = place - done / self.steps
        if ahead <= 0:
            return Moment(self.call(place, done), signals)
        return Moment(int(ahead * (self.ended_at - self.begun_at)), signals, of_fit=True)


@cache
def reference(name: str) -> Reference:
    """Run an experiment to its end twice, the second time with a checkpoint after every step."""
    config = CONFIGS[name] + COMMON
    with folder_in_memory() as folder:
        (folder / "config.yaml").write_text(config)
        counted = to_the_end(folder, NEW, Moment()).counted
        end, rows = end_of(folder / RUN), record(folder / RUN)
        shutil.rmtree(folder / RUN)
        to_the_end(folder, (*NEW, "checkpoint.every_steps=1", "checkpoint.keep=1000"))
        assert end_of(folder / RUN) == end
        return Reference(config, end, rows, weights(folder / RUN), **counted)


def write_config(folder: Path, name: str) -> None:
    """Put an experiment's config where the commands of a life look for it."""
    (folder / "config.yaml").write_text(CONFIGS[name] + COMMON)
