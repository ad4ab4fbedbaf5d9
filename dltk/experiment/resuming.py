"""What a resumed run may change, and which run `--resume auto` goes on with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltk.config.document import read_document
from dltk.config.errors import DltkError, ResumeRefused, UsageError
from dltk.config.keys import FREE, LENGTH, PATHS, differences, is_below, is_forkable, spelled
from dltk.config.terminal import short
from dltk.experiment.building import Built
from dltk.experiment.config import Experiment, read_experiment
from dltk.training.record import Metrics
from dltk.training.runs.rundir import RunDir, newest_runs
from dltk.training.runs.summary import command, resume_command
from dltk.training.saving.durable import digest_of, read_facts
from dltk.training.saving.facts import Owner, facts_of, path_of, paths_in
from dltk.training.saving.storage import read_tree


def unfinished(experiment: Experiment, parent: Path) -> RunDir | None:
    """Return the newest run below `parent` that has the same settings, free ones aside, and is not completed."""
    for run in newest_runs(parent):
        try:
            if not changes(run, experiment) and run.status().get("state") != "completed":
                return run
        except (DltkError, OSError):  # a damaged run, or another user's, is not this one
            continue
    return None


def refuse_changes(run: RunDir, experiment: Experiment) -> None:
    """Refuse to go on with settings that would change what was already learned.

    Args:
        run: What is there.
        experiment: What is asked for, with every decision about the data in it.

    Raises:
        ResumeRefused: With every changed key.
    """
    changed = changes(run, experiment)
    if changed:
        raise ResumeRefused(
            "the run cannot go on with other settings",
            where=str(run.path),
            found="; ".join(spelled(changed)),
            expected=f"changes of {', '.join(_free_keys(experiment))} only",
            do=_fork_command(run, changed) if all(map(is_forkable, changed)) else "start a new run: dltk train CONFIG",
        )


def _fork_command(run: RunDir, changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Return the command that starts a new run from this one's checkpoint with these changes."""
    overrides = [shlex.quote(f"{key}={json.dumps(new)}") for key, (_, new) in changed.items()]
    return command(run, "train --resume", " ".join(["--fork", *overrides]))


def refuse_other_checkpoint(run: RunDir, step: int | None) -> None:
    """Refuse to go on from a checkpoint that was named and is not the newest: what was learned since would be lost.

    Raises:
        IntegrityError: It is not intact.
        UsageError: There is a newer one.
    """
    if step is None:
        return
    owner = Owner(str(run.status().get("id", "")), digest_of(run.preparation))
    facts_of(path_of(run.checkpoints, step), owner, verify_files=True)
    newest = max(int(path.name.removeprefix("step-")) for path in paths_in(run.checkpoints))
    if step != newest:
        checkpoint = shlex.quote(short(path_of(run.checkpoints, step)))
        raise UsageError(
            f"a run goes on from its newest checkpoint, that of step {newest}; received step {step}",
            where=str(run.path),
            do=f"{resume_command(run)}, or dltk train --resume {checkpoint} --fork for a new run from step {step}",
        )


def refuse_shorter(run: RunDir, experiment: Experiment) -> None:
    """Refuse a length that the run has already passed.

    Raises:
        ResumeRefused: With how far it is.
    """
    rows, train = Metrics(run.metrics).rows(), experiment.sections.train
    for option, wanted, done in (
        ("epochs", train.epochs, rows[-1]["epoch"] if rows else 0),
        ("steps", train.steps, rows[-1]["step"] if rows else 0),
    ):
        if wanted is not None and wanted < done:
            raise ResumeRefused(
                f"the run has more {option} behind it",
                where=str(run.path),
                found=f"train.{option}: {wanted}",
                expected=f"at least {done}",
            )


def refuse_other_samples(run: RunDir, built: Built) -> None:
    """Refuse to go on with data that are not those the run began with.

    Raises:
        ResumeRefused: With every changed split, or with those that may be others because they were moved.
    """
    before, now = read_facts(run.preparation).get("samples", {}), built.splits.digests()
    changed = [name for name, digest in now.items() if before.get(name, digest) != digest]
    is_moved = any(key in PATHS for key in differences(_resolved(run), built.experiment.plain()))
    changed += ["a stream, which cannot be compared"] if is_moved and "train" not in now else []
    if changed:
        raise ResumeRefused(
            "the data have changed since the run began",
            where=str(run.path),
            found=f"other samples in {', '.join(changed)}",
            expected="the same samples in the same order",
            do="start a new run with dltk train CONFIG, or bring the old data back",
        )


def with_its_normalization(experiment: Experiment, run: RunDir) -> Experiment:
    """Return an experiment with the normalisation that a run's weights decided; they need not be there any more."""
    options, before = experiment.model.options, _resolved(run)["model"]
    if before["name"] != experiment.model.name or "normalize" not in set(before) - options.model_fields_set:
        return experiment
    own = type(options).parse({**options.plain(), "normalize": before["normalize"]})
    return replace(experiment, model=replace(experiment.model, options=own))


def changes(run: RunDir, experiment: Experiment) -> dict[str, tuple[Any, Any]]:
    """Return every setting that must not change and differs from the run's, with the old and the new value."""
    free = _free_keys(experiment)
    found = differences(_settings(run), experiment.plain())
    return {key: change for key, change in found.items() if not is_below(key, free)}


def asks_for_more(run: RunDir, experiment: Experiment) -> bool:
    """Return whether an experiment trains for another time than a completed run did, or scores its test split."""
    more = (*LENGTH, "early_stopping.patience", "train.test")
    return any(key in more for key in differences(_settings(run), experiment.plain()))


def _settings(run: RunDir) -> Mapping[str, Any]:
    """Return a run's settings; options that dltk did not have when it began have their defaults."""
    return read_experiment(run.resolved, state=read_tree(run.preparation, "preparation")).plain()


def _resolved(run: RunDir) -> Mapping[str, Any]:
    return read_document(run.resolved).values


def _free_keys(experiment: Experiment) -> list[str]:
    """Return the keys that may change; the length may unless the schedule depends on it."""
    depends_on_length = any(schedule.needs_total for schedule in experiment.optimization.schedules.values())
    return [key for key in FREE if not (depends_on_length and key in LENGTH)]
