"""What a resumed run may change, and which run `--resume auto` goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltk.config.document import read_document
from dltk.config.errors import DltkError, ResumeRefused, shown
from dltk.data.splits import Splits
from dltk.experiment.config import Experiment
from dltk.training.loggers import Metrics
from dltk.training.runs.rundir import RunDir, newest_runs
from dltk.training.saving.durable import read_facts

LENGTH = ("train.epochs", "train.steps")
FREE_KEYS = (
    *(*LENGTH, "train.test", "train.device", "early_stopping.patience", "checkpoint", "tensorboard"),
    *("data.root", "data.storage"),
)


def unfinished(experiment: Experiment, parent: Path) -> RunDir | None:
    """Return the newest run below `parent` that has the same settings, free ones aside, and is not completed."""
    for run in newest_runs(parent):
        try:
            if not changes(run, experiment) and run.status().get("state") != "completed":
                return run
        except DltkError:  # a damaged run is not this one
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
            found="; ".join(changed),
            expected=f"changes of {', '.join(_free_keys(experiment))} only",
            do="start a new run with dltk train CONFIG",
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


def refuse_other_samples(run: RunDir, splits: Splits) -> None:
    """Refuse to go on with data that are not those the run began with.

    Raises:
        ResumeRefused: With every changed split.
    """
    before = read_facts(run.preparation).get("samples", {})
    changed = [name for name, digest in splits.digests().items() if before.get(name, digest) != digest]
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


def changes(run: RunDir, experiment: Experiment) -> list[str]:
    """Return every setting that must not change and differs from the run's, as "key: old -> new"."""
    old, new = (_fixed(plain, experiment) for plain in (_resolved(run), experiment.plain()))
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return [f"{key}: {shown(old.get(key))} -> {shown(new.get(key))}" for key in keys]


def asks_for_more(run: RunDir, experiment: Experiment) -> bool:
    """Return whether an experiment trains for another time than a completed run did, or scores its test split."""
    old, new = _flattened(_resolved(run)), _flattened(experiment.plain())
    return any(old.get(key) != new.get(key) for key in (*LENGTH, "early_stopping.patience", "train.test"))


def _resolved(run: RunDir) -> Mapping[str, Any]:
    return read_document(run.resolved).values


def _free_keys(experiment: Experiment) -> tuple[str, ...]:
    """Return the keys that may change; the length may unless the schedule depends on it."""
    depends_on_length = any(schedule.needs_total for schedule in experiment.optimization.schedules.values())
    return tuple(key for key in FREE_KEYS if not (depends_on_length and key in LENGTH))


def _fixed(plain: Mapping[str, Any], experiment: Experiment) -> dict[str, Any]:
    """Flatten a config to the keys that must not change."""
    free = ("name", *_free_keys(experiment))
    return {
        key: value
        for key, value in _flattened(plain).items()
        if not any(key == name or key.startswith(f"{name}.") for name in free)
    }


def _flattened(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return {
            key: item
            for name, part in value.items()
            for key, item in _flattened(part, f"{path}.{name}" if path else str(name)).items()
        }
    return {path: value}
