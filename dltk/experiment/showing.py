"""What is shown of a run at its start and end: pictures in its directory, and on the board what the board shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from dltk import pictures
from dltk.data.batches import InMemory
from dltk.data.specs import Boxes, Classes, Image, Masks, Numbers, Spec
from dltk.experiment.building import Built
from dltk.training.board import Beginning, Ending
from dltk.training.loggers import RunLog
from dltk.training.loop import Fitting, Progress
from dltk.training.runs.rundir import RunDir
from dltk.training.task import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_SHOWN = 32
WITHOUT_EFFECT = {"name", "checkpoint", "tensorboard"}
"""Sections that decide nothing about the result: no columns in a table that compares runs."""


def show_beginning(run: RunDir, built: Built, log: RunLog) -> None:
    """Show the experiment and, where they are images and wanted, the first training samples as the model sees them."""
    experiment = built.experiment
    settings = {section: options for section, options in experiment.plain().items() if section not in WITHOUT_EFFECT}
    log.board.begin(Beginning(settings, experiment.yaml(), built.model, built.splits.train))
    shown = experiment.sections.tensorboard
    if shown is not None and shown.images:
        _show_images(run, built, log)


def show_end(
    run: RunDir,
    built: Built,
    fitting: Fitting,
    progress: Progress,
    scores: Mapping[str, float],
    evaluation: Evaluation | None,
) -> None:
    """Show final scores and, where they are wanted, the task's pictures of the reported split.

    Args:
        run: Gets the pictures.
        built: What was trained.
        fitting: With the chosen weights.
        progress: How far it came.
        scores: At the end, by split and name.
        evaluation: Of the reported split; None where no sample was scored.
    """
    splits, shown = built.splits, built.experiment.sections.tensorboard
    if shown is not None and shown.pictures and evaluation is not None:
        figures = {**built.task.pictures(evaluation), **_learning_curves(built, fitting)}
        for note in font_notes(splits.spec):
            fitting.log.screen.say(note)
        for name, figure in figures.items():
            _keep(run, fitting.log, name, figure, progress.step)
    targets = splits.spec.targets.values()
    names = next((tuple(target.names) for target in targets if isinstance(target, Classes)), ())
    model, samples = fitting.learner.inference_model(), splits.val or splits.train
    fitting.log.board.end(Ending(progress.step, scores, evaluation, names, built.task, model, samples))


def font_notes(spec: Spec) -> list[str]:
    """Say which names of targets stand as numbers on pictures, for want of a font."""
    names = [
        target.labels if isinstance(target, Numbers) else target.names
        for target in spec.targets.values()
        if isinstance(target, (Classes, Numbers, Boxes, Masks))
    ]
    notes = [pictures.font_note(each) for each in names]
    return [f"pictures: {note}" for note in notes if note]


def _learning_curves(built: Built, fitting: Fitting) -> dict[str, Figure]:
    """Draw losses and the watched score over a run that was evaluated more than once."""
    rows = fitting.log.metrics.rows()
    names = list(dict.fromkeys(name for row in rows for name in row))
    main = next(iter(built.task.scores), "")
    losses = [name.removeprefix("train/") for name in names if name.startswith("train/") and name.endswith("loss")]
    wanted = [losses, [main] if main not in losses else []]
    panels = [[name for name in names if name.partition("/")[2] in each] for each in wanted]
    drawn = [panel for panel in panels if panel]
    if len(rows) < 2 or not drawn:
        return {}
    return {"learning_curves": pictures.learning_curves(rows, drawn, fitting.selection.best_step)}


def _show_images(run: RunDir, built: Built, log: RunLog) -> None:
    images = [name for name, modality in built.splits.spec.inputs.items() if isinstance(modality, Image)]
    batch = next(built.splits.train.epoch(0), None) if images else None
    if batch is None:
        return
    fields = batch.inputs if isinstance(batch.inputs, Mapping) else {images[0]: batch.inputs}
    for name in images:
        field = fields[name]
        if isinstance(field, Tensor):
            title = f"{name}: training samples as the model sees them"
            _keep(run, log, f"inputs_{name}", pictures.image_grid(field[:NUM_SHOWN], title), 0)
    lessons = built.splits.lessons
    if isinstance(lessons, InMemory) and lessons.loading.augment is not None:
        _show_augmented(run, log, images, lessons)


def _show_augmented(run: RunDir, log: RunLog, images: Sequence[str], lessons: InMemory) -> None:
    """Draw the first images of training, each above what augmentation makes of it."""
    originals, augmented = (
        next(batches.epoch(0)).inputs for batches in (lessons.loaded(replace(lessons.loading, augment=None)), lessons)
    )
    for name in images:
        above, below = (fields[name] if isinstance(fields, Mapping) else fields for fields in (originals, augmented))
        if isinstance(above, Tensor) and isinstance(below, Tensor):
            title = f"{name}: training samples above their augmented versions"
            figure = pictures.image_pairs(above[:NUM_SHOWN], below[:NUM_SHOWN], title)
            _keep(run, log, f"inputs_{name}_augmented", figure, 0)


def _keep(run: RunDir, log: RunLog, name: str, figure: Figure, step: int) -> None:
    png = pictures.png_of(figure)
    try:
        (run.pictures / f"{name}.png").write_bytes(png)
    except OSError as error:
        log.screen.say(
            f"warning[DLTK-WARN-PICTURE]: cannot write the picture {name}.png: {error.strerror}; the run goes on"
        )
    log.board.picture(name, png, step)
