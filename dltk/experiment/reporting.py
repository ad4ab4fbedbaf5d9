"""What a run says before the first step and after the last: decisions, scores beside baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltk.experiment.building import Built, scored_splits
from dltk.experiment.determinism import told_of_bits
from dltk.experiment.effects import notes
from dltk.experiment.layout import layout_of
from dltk.experiment.learning import session_for
from dltk.experiment.machine import Machine
from dltk.experiment.overfitting import verdict
from dltk.experiment.showing import show_end
from dltk.training.early_stopping import Selection
from dltk.training.evaluating import CutShort, Interruptible, evaluated
from dltk.training.loggers import Screen
from dltk.training.loop import Fitting, Progress
from dltk.training.runs.rundir import RunDir
from dltk.training.saving.weights import set_weights
from dltk.training.task import Evaluation

_INPUTS = {
    "images": "your_image.png",
    "a table": "your_table.csv",
    "vectors": "your_text.txt",
    "sparse bags": "your_text.txt",
    "token sequences": "your_text.txt",
}


def introduce(built: Built, selection: Selection, machine: Machine, seconds: float, screen: Screen) -> None:
    """Say once what was decided."""
    experiment, splits = built.experiment, built.splits
    sizes = {
        "train": splits.train.num_samples,
        "val": splits.val and splits.val.num_samples,
        "test": splits.test and splits.test.num_samples,
    }
    counted = ", ".join(
        f"{count if count is not None else 'a stream of'} {name}"
        for name, count in sizes.items()
        if count is not None or name == "train"
    )
    lies = splits.lies()
    lines = [
        f"data: {experiment.data.name}: {counted}; {f'{lies}, ' if lies else ''}read in {seconds:.1f} s",
        f"data.batch_size: {experiment.data.common.batch_size}",
        *(f"data: {note}" for note in built.notes),
        f"model: {experiment.model.name}, {_size(built)}",
        *experiment.inferred,
        *notes(experiment, session_for(experiment, machine.device, splits.train.num_batches), built.model),
        *([f"monitor: {selection.monitor}"] if selection.monitor else []),
        f"device: {machine.device}, {machine.threads} thread{'s' if machine.threads > 1 else ''}{_layout(built)}",
        *([f"{machine.world.size} processes share every batch"] if machine.world.size > 1 else []),
        *([f"kernels: {machine.kernels}"] if str(machine.kernels) else []),
        *told_of_bits(experiment.sections.train, machine.device),
    ]
    for line in lines:
        screen.say(line)


def _layout(built: Built) -> str:
    """Say how weights lie in memory where that is not the usual way."""
    layout = layout_of(built.model)
    return "" if layout == "contiguous" else f", weights {layout}"


def _size(built: Built) -> str:
    """Say how many parameters a model has, and how many of them learn where some do not."""
    if built.experiment.is_one_pass:
        return "fitted in one pass"
    parameters = list(built.model.parameters())
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    count, learned = (sum(parameter.numel() for parameter in some) for some in (parameters, learning))
    return f"{count:,} parameters" + ("" if learned == count else f", {learned:,} of them learn")


def finish(run: RunDir, built: Built, fitting: Fitting, progress: Progress, status: Mapping[str, Any]) -> int | None:
    """Score the chosen weights beside the baselines, draw pictures, and mark the run as completed.

    Returns:
        The exit code to stop with where the scoring was cut short: whoever resumes the run does it anew.
    """
    step = _choose_weights(built, fitting, progress)
    try:
        evaluations = _final_evaluations(built, fitting)
    except CutShort:
        return fitting.stop.code
    scores = {
        f"{split}/{name}": value
        for split, evaluation in evaluations.items()
        for name, value in evaluation.scores.items()
    } or dict(progress.scores)
    reported = "test" if "test" in evaluations else "val" if "val" in evaluations else "train"
    baselines = built.task.baselines(built.splits) if reported == "test" or "test" not in _splits(built) else {}
    show_end(run, built, fitting, progress, scores, evaluations.get(reported))
    rows = fitting.log.metrics.rows()
    seconds = float(rows[-1]["seconds"]) if rows else 0.0
    run.write_status(
        {
            **status,
            "state": "completed",
            "code": 0,
            "step": progress.step,
            "epoch": progress.epoch,
            "selected_step": step,
            "reported": reported,
            "scores": scores,
            "num_samples": {split: evaluation.num_samples for split, evaluation in evaluations.items()},
            "protocol": evaluations[reported].protocol if reported in evaluations else "",
            "baselines": {name: dict(evaluation.scores) for name, evaluation in baselines.items()},
            "seconds": round(seconds, 1),
            "example": _example(built),
            **_verdict(built, rows),
        }
    )
    return None


def _verdict(built: Built, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a run that was to overfit tells of the model, where it tells something."""
    is_asked = built.experiment.sections.train.overfit_batches is not None
    found = verdict(rows, built.splits.train.num_batches) if is_asked else ""
    return {"verdict": found} if found else {}


def _choose_weights(built: Built, fitting: Fitting, progress: Progress) -> int:
    """Put the best weights into the model where they are wanted and there; return their step."""
    best_step = fitting.selection.best_step
    if built.experiment.sections.train.select == "last" or best_step is None or best_step == progress.step:
        return progress.step
    best = fitting.checkpoints.best(best_step)
    if best is None:
        fitting.log.screen.say(
            f"warning[DLTK-WARN-BEST]: the best checkpoint (step {best_step}) is gone or damaged; the last is used"
        )
        return progress.step
    set_weights(fitting.learner.inference_model(), best.weights())
    fitting.log.screen.say(f"weights of step {best_step}, the best {fitting.selection.monitor}")
    return best_step


def _splits(built: Built) -> dict[str, Any]:
    """Return the splits to report on: val and test, or where there is neither, the training samples themselves."""
    held = {"val": built.splits.val, "test": built.splits.test}
    return {name: batches for name, batches in held.items() if batches is not None} or {"train": built.splits.train}


def _final_evaluations(built: Built, fitting: Fitting) -> dict[str, Evaluation]:
    splits, model = _splits(built), fitting.learner.inference_model()
    scored = {name: Interruptible(splits[name], fitting.stop) for name in scored_splits(splits, built.experiment)}
    return {name: evaluated(built.task, model, batches) for name, batches in scored.items()}


def _example(built: Built) -> str:
    """Return what stands behind `dltk predict RUN` to try it: the task's own example, or an input of the user's."""
    modality = next(iter(built.splits.spec.inputs.values()))
    own = getattr(getattr(built.task, "config", built.experiment.task.options), "example_request", "")
    return own or _INPUTS.get(modality.word, "your_input")
