"""One life of a run: from taking up the work to its end, a stop or a failure, each told in status.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltk.config.errors import DltkError, IntegrityError
from dltk.config.terminal import short
from dltk.experiment.building import Built
from dltk.experiment.creating import identity_of
from dltk.experiment.determinism import with_same_bits
from dltk.experiment.finished import Run
from dltk.experiment.following import began_at, end, follow, shared
from dltk.experiment.learning import positioned
from dltk.experiment.machine import within_memory
from dltk.experiment.reporting import finish
from dltk.experiment.showing import show_beginning
from dltk.training.board import Board, NoBoard
from dltk.training.learner import Learner
from dltk.training.loggers import RunLog, Screen
from dltk.training.loop import Fitting, Progress, fit, restore
from dltk.training.processes import together, world
from dltk.training.record import BEGINNING, Metrics
from dltk.training.runs.rundir import RunDir
from dltk.training.saving.checkpoint import Checkpoints
from dltk.training.saving.disk import refuse_small
from dltk.training.saving.durable import digest_of
from dltk.training.saving.trees import tensors_in
from dltk.training.saving.weights import weights_of
from dltk.training.signals import Limits, Stopped, listening
from dltk.training.tensorboard.board import TensorBoard


def live(run: RunDir, built: Built, learner: Learner, screen: Screen, limits: Limits) -> Run:
    """Train in a run directory that the first process owns, from its last checkpoint on; give it back at the end.

    Raises:
        Stopped: By a signal or at its time limit.
        DltkError: As `train` would.
    """
    if not world().is_first:
        follow(run, built, learner, limits)
        return Run(run)
    sections, batch_size = built.experiment.sections, built.experiment.data.common.batch_size
    board: Board = NoBoard()
    try:
        screen.keep_log(run.log)
        identity = identity_of(run)
        run.write_status({**identity, "state": "running", "step": run.status().get("step", 0), "code": None})
        checkpoints = Checkpoints(run.checkpoints, sections.checkpoint, identity["id"], digest_of(run.preparation))
        if sections.tensorboard is not None:
            board = TensorBoard(run.tensorboard, sections.tensorboard, screen)
        log = RunLog(screen, Metrics(run.metrics), board, lambda step: _tell(run, "running", None, step=step))
        told = positioned(built.experiment)
        with listening(limits) as stop, within_memory(batch_size), with_same_bits(built.experiment), together(), told:
            selection = built.selection()
            splits = shared(built.splits)
            fitting = Fitting(learner, built.task, splits, sections.train, selection, checkpoints, log, stop, world())
            progress = _begin(run, built, fitting)
            refuse_small(run.checkpoints / "step", _bytes_needed(built, learner, progress))
            progress = fit(fitting, progress)
            end(lambda: finish(run, built, fitting, progress, identity))
    except Stopped as stopped:
        stopped.run = str(run.path)
        _tell(run, "stopped", stopped.code)
        raise
    except DltkError as error:
        screen.say(f"run: {short(run.path)}")
        _tell(run, "failed", error.code, error=error.id, message=error.message)
        raise
    finally:
        screen.close()
        board.close()
        run.release()
    return Run(run)


def _tell(run: RunDir, state: str, code: int | None, **facts: Any) -> None:
    """Say in status.json how the run is; `step` is that of the last checkpoint."""
    step = {"step": run.status().get("step", 0)}
    run.write_status({**identity_of(run), "state": state, **step, "code": code, **facts})


def _begin(run: RunDir, built: Built, fitting: Fitting) -> Progress:
    """Return where to begin: at the last intact checkpoint, or at the start of a run that never saved one.

    Raises:
        IntegrityError: There were checkpoints, and none of them is intact.
    """
    checkpoints, screen = fitting.checkpoints, fitting.log.screen
    checkpoints.clear_leftovers()
    last = checkpoints.last()
    for skipped in checkpoints.skipped:
        screen.say(f"warning[DLTK-WARN-CHECKPOINT]: skipped a checkpoint: {skipped}")
    if last is None and checkpoints.skipped:
        raise IntegrityError(
            "no checkpoint is intact", where=str(run.checkpoints), do="train anew with dltk train CONFIG"
        )
    began_at(last)
    if last is None:
        fitting.log.rewind(BEGINNING, 0)
    progress = Progress() if last is None else restore(fitting, last)
    if progress.step == _first_step(identity_of(run)):
        show_beginning(run, built, fitting.log)
    if last is not None:
        fitting.log.saved(progress.step)
        screen.say(f"resumed at step {progress.step} (epoch {progress.epoch + 1}, batch {progress.batch})")
    return progress


def _bytes_needed(built: Built, learner: Learner, progress: Progress) -> int:
    """Return what checkpoints will take beside those that are there: an old one goes when the new one is verified."""
    optimizers = built.experiment.optimization.optimizers.values()
    num_moments = max((len(options.kept_moments) for options in optimizers), default=0)
    weights = _bytes_in(weights_of(learner.inference_model()))
    learning = _bytes_in(dict(learner.inference_model().named_parameters()))
    average = learning if built.experiment.sections.train.ema is not None else 0
    return (1 if progress.step else 2) * (weights + average + num_moments * learning)


def _bytes_in(tree: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for _, tensor in tensors_in(tree))


def _first_step(identity: Mapping[str, Any]) -> int:
    """Return the step at which a run began: 0, or that of the checkpoint it was forked from."""
    step: int = identity.get("forked_from", {}).get("step", 0)
    return step
