"""dltk itself: `fit` as a run calls it, with every setting at its default but what the workload says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Literal

from benchmarks.contestants.hand_loop import judged_model
from benchmarks.contestants.prepared import prepared
from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.workloads import PLUGINS, Workload
from dltk.config import plugins
from dltk.data.batches import Batches
from dltk.experiment.building import Built, build
from dltk.experiment.compiling import choose_step, compile_steps
from dltk.experiment.config import read_experiment
from dltk.experiment.kernels import Kernels, choose
from dltk.experiment.layout import layout_of
from dltk.experiment.learning import make_learner
from dltk.experiment.machine import environment_of, prepare_machine
from dltk.training.board import Beginning, Board, Ending, NoBoard
from dltk.training.learner import Learner
from dltk.training.loggers import RunLog, Screen
from dltk.training.loop import Fitting, Progress, fit
from dltk.training.record import Metrics
from dltk.training.saving.checkpoint import Checkpoints
from dltk.training.signals import StopRequest, listening
from dltk.training.tensorboard.board import TensorBoard


class Watch:
    """A board that tells the pace each epoch, and shows what another one shows."""

    def __init__(self, pace: Pace, shown: Board) -> None:
        self._pace, self._shown, self._step = pace, shown, 0

    def scalars(self, row: Mapping[str, float], step: int) -> None:
        """Count an epoch."""
        self._shown.scalars(row, step)
        steps, self._step = step - self._step, step
        self._pace.epoch(steps, row["train/loss"])

    def begin(self, beginning: Beginning) -> None:
        """Show it."""
        self._shown.begin(beginning)

    def learner(self, learner: Learner, train: Batches, step: int) -> None:
        """Show it."""
        self._shown.learner(learner, train, step)

    def picture(self, name: str, png: bytes, step: int) -> None:
        """Show it."""
        self._shown.picture(name, png, step)

    def end(self, ending: Ending) -> None:
        """Show it."""
        self._shown.end(ending)

    def rewind(self, step: int) -> None:
        """Forget it."""
        self._shown.rewind(step)

    def close(self) -> None:
        """Finish."""
        self._shown.close()


def run(
    workload: Workload,
    material: Material,
    turns: Turns,
    threads: int,
    precision: str = "auto",
    logging: Literal["least", "all"] = "least",
    cache: Literal["kept", "empty"] = "kept",
) -> None:
    """Train turn by turn.

    Args:
        workload: What.
        material: Where its data are.
        turns: When.
        threads: On how many cores.
        precision: As the option says.
        logging: `least`: metrics.jsonl, which every run has; `all`: checkpoints, TensorBoard and the bar, too.
        cache: `kept`: what was compiled before is found; `empty`: nothing was.
    """
    for plugin in PLUGINS:
        plugins.use_plugin(plugin)
    texts = [f"train.threads={threads}", *([] if logging == "least" else ["checkpoint={}", "tensorboard={}"])]
    experiment = read_experiment(workload.experiment(material.data, precision=precision), texts)
    machine = prepare_machine(experiment.sections.train, None)
    is_first = True
    while True:
        Kernels().put_in_place()
        built = build(experiment, machine.device)
        learner = make_learner(built, machine.device)
        kernels = choose(experiment.sections.train, machine.device, learner, built.splits.lessons)
        machine = choose_step(built, machine.computing_with(kernels))
        pace = Pace(
            turns, workload.epochs, workload.round_epochs, partial(judged_model, workload, material, built.model)
        )
        with tempfile.TemporaryDirectory() as name, listening() as stop:
            fitting = _fitting(built, learner, Path(name), pace, stop)
            if is_first:
                turns.ready({**environment_of(machine), "layout": layout_of(built.model)})
                is_first = False
            if cache == "empty":
                os.environ["DLTK_CACHE"] = f"{name}/cache"
            turns.begin()
            machine = compile_steps(built, machine, learner, fitting.log.screen)
            fit(fitting, Progress())
            fitting.log.board.close()


def stepper(workload: Workload, material: Material, threads: int, precision: str) -> Callable[[], object]:
    """Return what makes one step after the other, epoch by epoch, as a run's learner does."""
    built, learner = prepared(workload, material, threads, precision)
    steps = chain.from_iterable(learner.epoch(built.splits.lessons.epoch(epoch)) for epoch in count())
    return lambda: next(steps)


def _fitting(built: Built, learner: Learner, folder: Path, pace: Pace, stop: StopRequest) -> Fitting:
    sections = built.experiment.sections
    screen = Screen(quiet=sections.tensorboard is None, bar=sections.tensorboard is not None)
    board: Board = NoBoard()
    if sections.tensorboard is not None:
        board = TensorBoard(folder / "tensorboard", sections.tensorboard, screen)
    log = RunLog(screen, Metrics(folder / "metrics.jsonl"), Watch(pace, board))
    selection = built.selection()
    checkpoints = Checkpoints(folder / "checkpoints", sections.checkpoint, "", "")
    return Fitting(learner, built.task, built.splits, sections.train, selection, checkpoints, log, stop)
