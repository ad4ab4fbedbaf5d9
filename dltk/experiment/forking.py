"""A fork: a new run that goes on from another one's checkpoint with other settings. That one stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import takewhile
from typing import Any

from dltk.config.errors import IntegrityError, ResumeRefused
from dltk.config.keys import differences, is_below, is_forkable, refuse_edited, spelled
from dltk.config.terminal import short
from dltk.experiment.building import Built, build
from dltk.experiment.compiling import choose_step, compile_steps
from dltk.experiment.config import Experiment, read_experiment
from dltk.experiment.creating import Origin, create, refuse_impossible
from dltk.experiment.finished import Run
from dltk.experiment.following import made
from dltk.experiment.kernels import Kernels
from dltk.experiment.learning import make_learner
from dltk.experiment.life import live
from dltk.experiment.machine import prepare_machine, within_memory
from dltk.experiment.plugins import check_plugins
from dltk.experiment.reporting import introduce
from dltk.experiment.resuming import refuse_other_samples, with_its_normalization
from dltk.experiment.running import RunOptions, override_comment
from dltk.experiment.starting import as_built
from dltk.training.learner import Learner
from dltk.training.loop import Progress, is_finished
from dltk.training.processes import world
from dltk.training.record import BEGINNING
from dltk.training.runs.overview import OVERRIDE
from dltk.training.runs.rundir import RunDir, find_run
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.durable import digest_of, distrusting
from dltk.training.saving.storage import read_tree
from dltk.training.saving.weights import set_weights, weights_of
from dltk.training.updates.carrying import What, carried, keep_alike

Changes = Mapping[str, tuple[Any, Any]]
_ORDER = ("seed", "data.batch_size", "data.sampler")


def fork(name: str, overrides: Sequence[str], options: RunOptions) -> Run:
    """Train a new run from the newest intact checkpoint of another one, or from a certain one of it.

    What was learned goes on: weights, moments where the new optimizer has the same, the schedule's place, epochs and
    steps behind. The record of scores, the best and patience begin anew.

    Args:
        name: A RUN, or a checkpoint inside one.
        overrides: `key=value` texts.
        options: Where the new run goes and how much it says.

    Raises:
        ResumeRefused: A setting that no fork may change, or one that its weights do not fit any more.
        DltkError: As `train` would.
    """
    source, step = find_run(name, options.runs_dir)
    refuse_edited(source.resolved)
    environment = source.read_environment()
    check_plugins(environment)
    old = read_experiment(source.resolved)
    experiment = with_its_normalization(read_experiment(source.resolved, overrides), source)
    run = RunDir(options.output_dir) if options.output_dir else RunDir.fresh(options.runs_dir / experiment.name)
    if world().is_first:
        refuse_impossible(run)
    screen = options.screen()
    threads = experiment.sections.train.threads
    machine = prepare_machine(experiment.sections.train, environment.get("threads") if threads == "auto" else None)
    with within_memory():
        state = read_tree(source.preparation, "preparation")
        built = build(experiment, machine.device, state=state, start=as_built)
        changed = differences(old.plain(), built.experiment.plain())
        _refuse_changes(source, built, changed)
        refuse_other_samples(source, built)
        kept = Kernels() if experiment.sections.train.kernels == "usual" else Kernels.recorded(environment)
        learner = make_learner(built, machine.device)
        machine = compile_steps(built, choose_step(built, machine.computing_with(kept)), learner, screen)
    checkpoint = _checkpoint(source, old, step)
    _take_weights(source, learner, checkpoint)
    saved = checkpoint.state()
    anew = _anew(old, built.experiment, changed)
    learned = carried(saved["learner"], learner.state_dict(), anew)
    progress = _progress(Progress(**saved["progress"]), changed)
    selection = built.selection()
    _refuse_end(source, built, progress)

    def save(new: RunDir) -> None:
        first = {"progress": asdict(progress), "learner": learned, "selection": selection.state_dict()}
        owner = new.status()["id"], digest_of(new.preparation)
        checkpoints = Checkpoints(new.checkpoints, built.experiment.sections.checkpoint, *owner)
        weights = weights_of(learner.inference_model())
        checkpoints.save(progress.step, weights, {**first, **BEGINNING.state()}, None, None)

    introduce(built, selection, machine, 0.0, screen)
    for line in [f"forked from {short(source.path)} at step {checkpoint.step}", *_told(changed, anew)]:
        screen.say(line)
    facts = {"run": str(source.path), "id": source.status()["id"], "step": checkpoint.step, "changed": spelled(changed)}
    run = made(run, lambda: create(run, built, machine, _given(source, overrides), Origin(facts, save)))
    return live(run, built, learner, screen, options.limits)


def _given(source: RunDir, overrides: Sequence[str]) -> str:
    """Return the text of config.yaml: the other run's, and the new overrides behind its own."""
    with distrusting(source.config):
        lines = source.config.read_text(encoding="utf-8").splitlines(keepends=True)
    own = list(takewhile(lambda line: line.startswith(OVERRIDE), lines))
    return "".join([*own, *map(override_comment, overrides), *lines[len(own) :]])


def _refuse_changes(source: RunDir, built: Built, changed: Changes) -> None:
    """Refuse settings that would make something else of what was learned.

    Raises:
        ResumeRefused: With every such setting.
    """
    if built.experiment.is_one_pass:
        raise ResumeRefused("a model that is fitted in one pass has nothing to go on from", where=str(source.path))
    wrong = {key: change for key, change in changed.items() if not is_forkable(key)}
    if wrong:
        raise ResumeRefused(
            "a fork learns on from the same samples, with the same kind of model and task",
            where=str(source.path),
            found="; ".join(spelled(wrong)),
            do=_from_weights(source),
        )


def _from_weights(source: RunDir) -> str:
    return f"to start a new run from its weights alone: dltk train CONFIG model.weights={short(source.path)}"


def _checkpoint(source: RunDir, experiment: Experiment, step: int | None) -> Checkpoint:
    """Return the newest intact checkpoint that can be resumed, or the one that was asked for.

    Raises:
        IntegrityError: There is none.
    """
    owner = source.status().get("id", ""), digest_of(source.preparation)
    checkpoints = Checkpoints(source.checkpoints, experiment.sections.checkpoint, *owner)
    found = [one for one in checkpoints.all() if one.resumable and step in (None, one.step)]
    if not found:
        which = "checkpoint" if step is None else f"checkpoint of step {step}"
        skipped = "; ".join(checkpoints.skipped)
        raise IntegrityError(f"there is no intact {which} to go on from", where=str(source.checkpoints), found=skipped)
    return found[0]


def _take_weights(source: RunDir, learner: Learner, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's weights into the new model.

    Raises:
        ResumeRefused: They have other names or shapes.
    """
    weights = checkpoint.weights()
    try:
        set_weights(learner.inference_model(), weights)
    except IntegrityError as error:
        raise ResumeRefused(
            "the weights do not fit the changed model", str(source.path), error.found, do=_from_weights(source)
        ) from None


def _anew(old: Experiment, new: Experiment, changed: Changes) -> set[What]:
    """Return what of the learner's state means something else under the new settings."""
    anew: set[What] = set()
    before, after = old.optimization, new.optimization
    names = {*before.optimizers, *after.optimizers}
    has_same = all(keep_alike(before.optimizer(name), after.optimizer(name)) for name in names)
    if not has_same or any(key == "model.freeze" or key.endswith(".groups") for key in changed):
        anew.add("moments")
    if any(is_below(key, ["schedule"]) for key in changed):
        anew.add("schedule")
    return anew


def _progress(saved: Progress, changed: Changes) -> Progress:
    """Return how far the new run is: as far as the old one, in an epoch that begins again if its order is another.

    An evaluation that a signal cut short is still due, unless evaluations come at other steps now.
    """
    begins_again = any(is_below(key, _ORDER) for key in changed)
    is_kept = not begins_again and "train.evaluate_every" not in changed
    batch, evaluated_at = 0 if begins_again else saved.batch, saved.evaluated_at if is_kept else saved.step
    return replace(saved, batch=batch, scores={}, evaluated_at=evaluated_at)


def _refuse_end(source: RunDir, built: Built, progress: Progress) -> None:
    if is_finished(built.experiment.sections.train, progress):
        train = built.experiment.sections.train
        option, done = ("epochs", progress.epoch) if train.steps is None else ("steps", progress.step)
        raise ResumeRefused(
            f"nothing is left to train: {done} {option} are behind",
            where=str(source.path),
            found=f"train.{option}: {getattr(train, option)}",
            do=f"add train.{option}=N, as many as there are to be in all",
        )


def _told(changed: Changes, anew: set[What]) -> list[str]:
    """Say what is other than it was, and what is not carried over."""
    batch = ["the epoch it was in begins again"] if any(is_below(key, _ORDER) for key in changed) else []
    moments = ["the optimizer's moments begin anew"] if "moments" in anew else []
    return [f"  {line}" for line in [*spelled(changed), *moments, *batch]]
