"""Runs as earlier releases left them: one directory each, named after the release that made it.

Each ends within an epoch, with everything in it that going on needs. `python -m tests.golden_runs` makes that of this
release; one that a release has shipped with is never made again, for users have runs like it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from dltk.experiment.running import RunOptions, train
from dltk.training.runs.rundir import RunDir

FOLDER = Path(__file__).parent
CONFIG: dict[str, Any] = {
    "name": "golden",
    "data": {"name": "iris", "batch_size": 16, "val_fraction": 0.2, "test_fraction": 0.2},
    "model": {
        "name": "sequential",
        "layers": [
            {"name": "dense", "units": 6},
            {"name": "batch_norm"},
            {"name": "activation", "function": "relu"},
            {"name": "dropout"},
        ],
    },
    "optimizer": {"name": "adamw", "lr": 0.02, "clip_norm": 1.0},
    "schedule": {"name": "plateau", "patience": 1},
    "train": {"steps": 20, "evaluate_every": 5, "ema": 0.9, "threads": 1, "device": "cpu"},
    "early_stopping": {"patience": 50},
    "tensorboard": None,
}
"""What has a state: averages, moments, noise, a schedule that reacts, patience; nothing that lies on a disk."""
LONGER = 40
"""Steps to which a golden run is continued."""
NEUTRAL = {"platform": "any", "processor": "any"}


def golden_runs() -> list[Path]:
    """Return all there are."""
    return sorted(path.parent for path in FOLDER.glob("*/status.json"))


def make(directory: Path) -> None:
    """Train for a little more than three epochs; what tells of a machine is left out."""
    train(CONFIG, options=RunOptions(directory, quiet=True))
    run = RunDir(directory)
    run.write_environment({**run.read_environment(), **NEUTRAL})
    for left_out in (*directory.glob("pictures"), *directory.glob("predictions*"), directory / "train.log"):
        shutil.rmtree(left_out) if left_out.is_dir() else left_out.unlink()
    (directory / ".lock").unlink(missing_ok=True)
