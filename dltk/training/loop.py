"""The order of a run, readable on one screen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from dltk.config.errors import DataError, Diverged
from dltk.config.sections import TrainOptions
from dltk.data.blocks import Epoch
from dltk.data.splits import Splits
from dltk.training.divergence import explained, what_is_broken
from dltk.training.early_stopping import Selection
from dltk.training.evaluating import CutShort, Interruptible, evaluated
from dltk.training.learner import Learner
from dltk.training.loggers import RunLog
from dltk.training.processes import ALONE, World
from dltk.training.record import Mark
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.weights import set_weights, weights_of
from dltk.training.signals import Stopped, StopRequest
from dltk.training.task import Task

MAX_EPOCHS_TOLD = 50


@dataclass
class Progress:
    """How far a run is: epochs behind, batches behind in this epoch, batches behind in all."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)
    evaluated_at: int = -1


@dataclass(frozen=True)
class Fitting:
    """Everything one run of the loop needs."""

    learner: Learner
    task: Task
    splits: Splits
    options: TrainOptions
    selection: Selection
    checkpoints: Checkpoints
    log: RunLog
    stop: StopRequest
    world: World = ALONE


def fit(run: Fitting, progress: Progress) -> Progress:
    """Train from `progress` to the end; return how far it came.

    Raises:
        Stopped: By a signal or at its time limit, with a checkpoint saved.
        Diverged: A loss or a weight is no longer finite; nothing broken was saved.
        WriteError: A checkpoint or the record of scores could not be written.
    """
    with explained(run.learner, run.splits.lessons, run.checkpoints, run.log.metrics, lambda: progress.step):
        while not _finished(run, progress):
            if _evaluation_is_due(run, progress):  # an epoch is behind, or one was cut short
                _evaluate(run, progress)
            else:
                _epoch(run, progress)
        if progress.evaluated_at != progress.step and progress.step > 0:
            _evaluate(run, progress)
        _save(run, progress)
    run.log.screen.close()
    return progress


def _epoch(run: Fitting, progress: Progress) -> None:
    """Train what is left of an epoch, with everything that is due on the way."""
    train = run.splits.lessons
    run.log.screen.begin_epoch(_title(run, progress, progress.epoch + 1), train.num_batches, progress.batch)
    for consumed in run.learner.epoch(Epoch(train, progress.epoch, progress.batch)):
        _advance(progress, consumed)
        run.stop.has_progress()
        run.log.screen.advance(consumed)
        if _evaluation_is_due(run, progress):
            _evaluate(run, progress)
        _save_or_stop(run, progress)
        if _finished(run, progress):
            return
    _end_epoch(progress)


def _save_or_stop(run: Fitting, progress: Progress) -> None:
    """Save a checkpoint where one is due or the run is to stop.

    Raises:
        Stopped: It was to stop.
    """
    # Read once: what comes while saving stops the next step.
    code, is_due = run.world.agreed(run.stop.code, is_due=run.checkpoints.due(progress.step))
    if code is not None or is_due:
        _save(run, progress)
    if code is not None:
        raise Stopped(code)


def restore(run: Fitting, checkpoint: Checkpoint) -> Progress:
    """Put a run back to where a checkpoint was saved, its record of scores included.

    Raises:
        IntegrityError: The record of scores, or the model, does not go with the checkpoint.
    """
    state = checkpoint.state()
    set_weights(run.learner.inference_model(), checkpoint.weights())
    run.learner.load_state_dict(state["learner"])
    run.selection.load_state_dict(state["selection"])
    _refuse_lost_best(run)
    progress = Progress(**state["progress"])
    if run.world.is_first:
        run.log.rewind(Mark.of(state), progress.step + (progress.evaluated_at == progress.step))
    run.checkpoints.begin_at(progress.step)
    return progress


def _refuse_lost_best(run: Fitting) -> None:
    """Choose anew from here on where the best checkpoint is not intact, as after falling back to an older one."""
    step = run.selection.best_step
    if step is not None and run.checkpoints.best(step) is None:
        run.log.screen.say(
            f"warning[DLTK-WARN-BEST]: the best checkpoint so far (step {step}) is gone or damaged; it is chosen anew"
        )
        run.selection.forget_best()


def _finished(run: Fitting, progress: Progress) -> bool:
    return run.selection.should_stop or is_finished(run.options, progress)


def is_finished(options: TrainOptions, progress: Progress) -> bool:
    """Return whether as much is behind as was asked for."""
    if options.steps is not None and progress.step >= options.steps:
        return True
    return options.epochs is not None and progress.epoch >= options.epochs


def _advance(progress: Progress, consumed: int) -> None:
    progress.batch += consumed
    progress.step += consumed


def _end_epoch(progress: Progress) -> None:
    if progress.batch == 0:
        raise DataError("the training data gave no batch at all")
    progress.epoch, progress.batch = progress.epoch + 1, 0


def _evaluation_is_due(run: Fitting, progress: Progress) -> bool:
    """Return whether an epoch, or so many steps as one wants between evaluations, are behind, and not evaluated yet."""
    every, evaluated_at = run.options.evaluate_every, max(0, progress.evaluated_at)
    if every == "epoch":
        return progress.batch == 0 and progress.step > evaluated_at
    return progress.step // every > evaluated_at // every


def _evaluate(run: Fitting, progress: Progress) -> None:
    """Score the val split, record it, and let the selection see it. Synchronises with the device.

    Raises:
        Stopped: It was cut short; nothing of it is kept, and it is still due in the checkpoint.
    """
    title = _title(run, progress, progress.epoch + (progress.batch > 0))
    model = run.learner.inference_model()
    scores = {f"train/{name}": value for name, value in run.learner.scores().items()}
    _refuse_broken(run, progress, scores)
    found = run.world.told(lambda: _val_scores(run))
    if found is None:
        _save_or_stop(run, progress)
    scores |= {f"val/{name}": value for name, value in found.items()}
    run.learner.observe(scores)
    progress.scores, progress.evaluated_at = scores, progress.step
    if run.world.is_first:
        run.log.evaluation(title, progress.step, progress.epoch, scores, is_told=_is_told(run, progress.epoch))
        run.log.board.learner(run.learner, run.splits.train, progress.step)
    run.selection.update(scores, progress.step, model)
    run.stop.has_progress()


def _is_told(run: Fitting, epoch: int) -> bool:
    """Return whether the screen shows an evaluation: of many short epochs it shows some, spread evenly."""
    epochs = run.options.epochs
    if epochs is None or run.options.evaluate_every != "epoch":
        return True
    return epoch in {1, epochs} or epoch % max(1, epochs // MAX_EPOCHS_TOLD) == 0


def _val_scores(run: Fitting) -> dict[str, float] | None:
    """Return the scores of the val split, none where there is no such split; None where it was cut short."""
    if run.splits.val is None:
        return {}
    try:
        model, val = run.learner.inference_model(), Interruptible(run.splits.val, run.stop)
        return dict(evaluated(run.task, model, val).scores)
    except CutShort:
        return None


def _save(run: Fitting, progress: Progress) -> None:
    """Save a checkpoint, unless something in it is not finite. Synchronises with the device."""
    _refuse_broken(run, progress, {})
    if not run.world.is_first:  # all have the same state
        run.selection.pending = None
        return
    is_evaluated = progress.evaluated_at == progress.step
    score = progress.scores.get(run.selection.monitor or "", math.nan) if is_evaluated else math.nan
    state = {
        "progress": asdict(progress),
        "learner": run.learner.state_dict(),
        "selection": run.selection.state_dict(),
        **run.log.metrics.secured().state(),
    }
    weights = weights_of(run.learner.inference_model())
    run.checkpoints.save(progress.step, weights, state, score if math.isfinite(score) else None, run.selection.pending)
    run.selection.pending = None
    run.log.saved(progress.step)


def _refuse_broken(run: Fitting, progress: Progress, scores: Mapping[str, float]) -> None:
    broken = what_is_broken(run.learner, scores)
    if broken is not None:
        raise Diverged(f"training diverged by step {progress.step}: {broken}")


def _title(run: Fitting, progress: Progress, epoch: int) -> str:
    options = run.options
    return f"epoch {epoch}/{options.epochs}" if options.steps is None else f"step {progress.step}/{options.steps}"
