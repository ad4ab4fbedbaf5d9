"""dltk itself: `fit` as a run calls it, with every setting at its default but the frequency of checkpoints."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.contestants.turns import Turns
from benchmarks.material import Material
from benchmarks.workloads import PLUGINS, Workload
from dltk.config import registry
from dltk.data.batches import Batches
from dltk.experiment.building import build
from dltk.experiment.config import read_experiment
from dltk.experiment.layout import layout_of
from dltk.experiment.learning import make_learner
from dltk.experiment.machine import environment_of, prepare_machine
from dltk.training.board import Beginning, Ending
from dltk.training.learner import Learner
from dltk.training.loggers import Metrics, RunLog, Screen
from dltk.training.loop import Fitting, Progress, fit
from dltk.training.saving.checkpoint import Checkpoints
from dltk.training.signals import listening


class Watch:
    """A board that ends a turn after the last evaluation of a round, and begins the next one."""

    def __init__(self, turns: Turns, workload: Workload) -> None:
        self._turns, self._workload = turns, workload
        self._epochs = self._step = 0

    def scalars(self, row: Mapping[str, float], step: int) -> None:
        """Count epochs; tell the loss of the last one of a round."""
        self._epochs += 1
        if self._epochs % self._workload.round_epochs == 0:
            self._turns.end(step - self._step, row["train/loss"])
            self._step = step
            if self._epochs < self._workload.epochs:
                self._turns.begin()

    def begin(self, beginning: Beginning) -> None:
        """Show nothing."""

    def learner(self, learner: Learner, train: Batches, step: int) -> None:
        """Show nothing."""

    def picture(self, name: str, png: bytes, step: int) -> None:
        """Show nothing."""

    def end(self, ending: Ending) -> None:
        """Show nothing."""

    def rewind(self, step: int) -> None:
        """Forget nothing."""

    def close(self) -> None:
        """Finish nothing."""


def run(workload: Workload, material: Material, turns: Turns, threads: int, precision: str = "auto") -> None:
    """Train turn by turn."""
    for plugin in PLUGINS:
        registry.use_plugin(plugin)
    experiment = read_experiment(workload.experiment(material.data, precision=precision), [f"train.threads={threads}"])
    machine = prepare_machine(experiment.sections.train, None)
    is_first = True
    while True:
        built = build(experiment, machine.device)
        learner = make_learner(built, machine.device)
        with tempfile.TemporaryDirectory() as name, listening() as stop:
            folder = Path(name)
            log = RunLog(Screen(quiet=True), Metrics(folder / "metrics.jsonl"), Watch(turns, workload))
            selection = built.selection()
            sections = built.experiment.sections
            checkpoints = Checkpoints(folder, sections.checkpoint, "", "")
            fitting = Fitting(learner, built.task, built.splits, sections.train, selection, checkpoints, log, stop)
            if is_first:
                turns.ready({**environment_of(machine), "layout": layout_of(built.model)})
                is_first = False
            turns.begin()
            fit(fitting, Progress())
