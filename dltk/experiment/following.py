"""The other processes of a training: they learn as the first one does, and write nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dltk.data.shares import Shares
from dltk.data.splits import Splits
from dltk.experiment.building import Built
from dltk.experiment.creating import identity_of
from dltk.experiment.determinism import with_same_bits
from dltk.experiment.machine import within_memory
from dltk.training.board import NoBoard
from dltk.training.learner import Learner
from dltk.training.loggers import RunLog, Screen
from dltk.training.loop import Fitting, Progress, fit, restore
from dltk.training.processes import together, world
from dltk.training.record import Metrics
from dltk.training.runs.rundir import RunDir
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.durable import digest_of
from dltk.training.signals import Limits, Stopped, listening


def shared(splits: Splits) -> Splits:
    """Return the splits with what this process learns from of every batch; all else is the same in every process."""
    if world().size == 1:
        return splits
    return replace(splits, varied=Shares(splits.lessons, world().rank, world().size))


def made(run: RunDir, make: Callable[[], str]) -> RunDir:
    """Let the first process make the run directory; return it in every process.

    Args:
        run: Of the first process, which makes it.
        make: Makes it, and returns where it is.
    """
    path = world().told(make)
    return run if world().is_first else RunDir(Path(path))


def began_at(last: Checkpoint | None) -> int | None:
    """Tell the other processes which checkpoint the first one goes on from; return its step."""
    step: int | None = world().told(lambda: None if last is None else last.step)
    return step


def end(finish: Callable[[], int | None]) -> None:
    """Let the first process finish the run while all others wait.

    Args:
        finish: Returns the exit code to stop with, else None.

    Raises:
        Stopped: In every process; what was learned is in a checkpoint.
    """
    code = world().told(finish)
    if code is not None:
        raise Stopped(code)


def follow(run: RunDir, built: Built, learner: Learner, limits: Limits) -> None:
    """Train as the first process does, in whose run directory nothing but its checkpoint is read.

    Raises:
        DltkError: As the first process raises.
        Stopped: Likewise.
    """
    sections, batch_size = built.experiment.sections, built.experiment.data.common.batch_size
    checkpoints = Checkpoints(run.checkpoints, sections.checkpoint, identity_of(run)["id"], digest_of(run.preparation))
    log = RunLog(Screen(quiet=True), Metrics(run.metrics), NoBoard())
    with listening(limits) as stop, within_memory(batch_size), with_same_bits(built.experiment), together():
        selection = built.selection()
        splits = shared(built.splits)
        fitting = Fitting(learner, built.task, splits, sections.train, selection, checkpoints, log, stop, world())
        last = checkpoints.best(began_at(None))
        fit(fitting, Progress() if last is None else restore(fitting, last))
        end(lambda: None)
