"""Everything up to the first step of workload a: by dltk, or only importing torch and reading the data."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path


def by_hand() -> None:
    """Import torch and read the four files of MNIST."""
    import torch  # noqa: PLC0415 - is what is timed

    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        path = Path(os.environ["DLTK_DATA"]) / "mnist" / f"{name}-ubyte.gz"
        with gzip.open(path) as file:
            torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)


def dltk() -> None:
    """Build the run as the command line does, and make one step."""
    from dltk.cli.machinery import load_machinery  # noqa: PLC0415

    load_machinery()
    from benchmarks.workloads import WORKLOADS  # noqa: PLC0415
    from dltk.experiment.building import build  # noqa: PLC0415
    from dltk.experiment.config import read_experiment  # noqa: PLC0415
    from dltk.experiment.learning import make_learner  # noqa: PLC0415
    from dltk.experiment.machine import prepare_machine  # noqa: PLC0415

    experiment = read_experiment(WORKLOADS["a"].experiment({}))
    machine = prepare_machine(experiment.sections.train, None)
    built = build(experiment, machine.device)
    learner = make_learner(built, machine.device)
    next(learner.epoch(built.splits.lessons.epoch(0)))


if __name__ == "__main__":
    {"by_hand": by_hand, "dltk": dltk}[sys.argv[1]]()
    os._exit(0)  # how long it takes to give everything back is not the way to the first step
