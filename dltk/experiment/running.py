"""Training one experiment: a new run, or one that goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltk.config.errors import UsageError
from dltk.config.keys import refuse_edited
from dltk.config.processes import is_follower
from dltk.config.terminal import escaped
from dltk.config.writing import yaml_text
from dltk.experiment.building import build, total_steps
from dltk.experiment.compiling import choose_step, compile_steps
from dltk.experiment.config import Experiment, read_experiment
from dltk.experiment.creating import create, refuse_impossible
from dltk.experiment.determinism import refuse_other_bits
from dltk.experiment.finished import Run
from dltk.experiment.following import made
from dltk.experiment.foresight import refuse_absent_weights, refuse_foreseeable
from dltk.experiment.kernels import Kernels, choose
from dltk.experiment.learning import make_learner, positioned
from dltk.experiment.life import live
from dltk.experiment.machine import differences, prepare_machine, within_memory
from dltk.experiment.plugins import check_plugins
from dltk.experiment.reporting import introduce
from dltk.experiment.resuming import (
    asks_for_more,
    refuse_changes,
    refuse_other_checkpoint,
    refuse_other_samples,
    refuse_shorter,
    unfinished,
    with_its_normalization,
)
from dltk.experiment.starting import Start, as_built, from_options
from dltk.training.loggers import Screen
from dltk.training.processes import together, world
from dltk.training.runs.overview import OVERRIDE
from dltk.training.runs.rundir import RunDir, find_run
from dltk.training.saving.checkpoint import has_state
from dltk.training.saving.storage import read_tree
from dltk.training.signals import NO_LIMITS, Limits


@dataclass(frozen=True)
class RunOptions:
    """Where a run goes and how much it says.

    Attributes:
        output_dir: The exact run directory; default a new one below `runs_dir`.
        runs_dir: The parent of `<name>/<time>-<4 hex>`.
        resume: "" for a new run, a RUN to go on with, or "auto" for the newest unfinished run of this experiment.
        quiet: Say nothing while training.
        bar: Whether to draw a progress bar; None draws one on a terminal.
        verbose: Say what otherwise only the log file gets, such as every one of many epochs.
        limits: How long it may train, and how long a stop may take.
    """

    output_dir: Path | None = None
    runs_dir: Path = Path("runs")
    resume: str = ""
    quiet: bool = False
    bar: bool | None = None
    verbose: bool = False
    limits: Limits = NO_LIMITS

    def screen(self) -> Screen:
        """Return where the run says what it says."""
        return Screen(quiet=self.quiet or is_follower(), bar=self.bar, verbose=self.verbose)


def train(
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    options: RunOptions | None = None,
) -> Run:
    """Train an experiment and return its run; `train(..., options=RunOptions(resume=RUN))` goes on with one.

    Args:
        config: A YAML file, or its content as a mapping; None where a run is resumed.
        overrides: {"optimizer.lr": 1e-3}, or the same as ["optimizer.lr=1e-3"].
        options: Where the run goes and how much it says.

    Raises:
        DltkError: With an exit code; see docs/messages.md.
        Stopped: By a signal or at the deadline, with a checkpoint saved.
    """
    with together():
        return _trained(config, _texts(overrides), options or RunOptions())


def _trained(config: str | Path | Mapping[str, Any] | None, texts: Sequence[str], options: RunOptions) -> Run:
    if options.resume and options.resume != "auto":
        run, step = find_run(options.resume, options.runs_dir)
        refuse_other_checkpoint(run, step)
        return _go_on(run, texts, options)
    if config is None:
        raise UsageError("a config is needed", do="dltk train CONFIG, or dltk train --resume RUN")
    source = Path(config) if isinstance(config, str) else config
    experiment = read_experiment(source, texts)
    earlier = RunDir(options.output_dir) if options.resume and options.output_dir else None
    if earlier is not None and earlier.resolved.is_file():
        refuse_edited(earlier.resolved)
        return _resume(earlier, experiment, options)
    return begin(experiment, as_given(source, texts), options)


def check(
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | Sequence[str] = (),
    screen: Screen | None = None,
) -> dict[str, Any]:
    """Read, check and build everything, train nothing, write nothing; return what was decided.

    Args:
        config: As for `train`.
        overrides: As for `train`.
        screen: Where to say what a run would say before its first step.

    Raises:
        DltkError: As `train` would.
    """
    experiment = read_experiment(Path(config) if isinstance(config, str) else config, _texts(overrides))
    machine = prepare_machine(experiment.sections.train, None)
    refuse_foreseeable(experiment, machine.device)
    refuse_absent_weights(experiment)
    started_at = time.monotonic()
    with within_memory(), positioned(experiment):
        built = build(experiment, machine.device)
        learner = make_learner(built, machine.device)
        refuse_other_bits(built.experiment, machine.device, learner, built.splits.lessons)
        kernels = choose(experiment.sections.train, machine.device, learner, built.splits.lessons)
        machine = choose_step(built, machine.computing_with(kernels))
    selection = built.selection()
    introduce(built, selection, machine, time.monotonic() - started_at, screen or Screen(quiet=True))
    return {
        "name": experiment.name,
        "device": str(machine.device),
        "threads": machine.threads,
        "total_steps": total_steps(built.experiment, built.splits.train.num_batches),
        "monitor": selection.monitor,
        "parameters": {name: list(value.shape) for name, value in built.model.named_parameters()},
        "config": built.experiment.plain(),
    }


def _texts(overrides: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Return overrides as `key=value` texts."""
    if isinstance(overrides, Mapping):
        return [f"{key}={json.dumps(value, default=str)}" for key, value in overrides.items()]
    return list(overrides)


def override_comment(text: str) -> str:
    """Return the line of config.yaml that keeps an override."""
    return f"{OVERRIDE}{escaped(text)}\n"


def as_given(source: Path | Mapping[str, Any], overrides: Sequence[str]) -> str:
    """Return the text of config.yaml: what was given, and the overrides as comments."""
    comments = "".join(map(override_comment, overrides))
    if isinstance(source, Path):
        return comments + source.read_text(encoding="utf-8-sig")
    return comments + yaml_text(json.loads(json.dumps(source, default=str)))


def begin(experiment: Experiment, given: str, options: RunOptions, start: Start = from_options) -> Run:
    """Train an experiment in a new run directory, or go on with one where `options.resume` is "auto".

    Args:
        experiment: What was asked for.
        given: The text of config.yaml.
        options: Where the run goes and how much it says.
        start: Gives the model its initial values.

    Raises:
        DltkError: As `train` would.
    """
    run = RunDir(options.output_dir) if options.output_dir else RunDir.fresh(options.runs_dir / experiment.name)
    if world().is_first:
        refuse_impossible(run)
    screen = options.screen()
    machine = prepare_machine(experiment.sections.train, None)
    refuse_foreseeable(experiment, machine.device)
    if start is from_options:
        refuse_absent_weights(experiment)
    started_at = time.monotonic()
    with within_memory():
        built = build(experiment, machine.device, start=start)
    seconds = time.monotonic() - started_at
    if options.resume and not options.output_dir:
        asked = built.experiment
        earlier = world().told(lambda: _path_of(unfinished(asked, run.path.parent)))
        if earlier is not None:
            found = RunDir(Path(earlier))
            refuse_edited(found.resolved)
            del built  # its data would lie beside those of the resumed run
            return _resume(found, experiment, options)
    selection = built.selection()
    with within_memory(), positioned(experiment):
        learner = make_learner(built, machine.device)
        refuse_other_bits(built.experiment, machine.device, learner, built.splits.lessons)
        kernels = choose(experiment.sections.train, machine.device, learner, built.splits.lessons)
        machine = choose_step(built, machine.computing_with(kernels))
        machine = compile_steps(built, machine, learner, screen)
    introduce(built, selection, machine, seconds, screen)
    run = made(run, lambda: create(run, built, machine, given))
    return live(run, built, learner, screen, options.limits)


def _path_of(run: RunDir | None) -> str | None:
    return None if run is None else str(run.path)


def _go_on(run: RunDir, overrides: Sequence[str], options: RunOptions) -> Run:
    """Resume a run by its own config; a completed one is returned as it is."""
    if run.status().get("state") == "completed" and not overrides:
        return Run(run)
    refuse_edited(run.resolved)
    check_plugins(run.read_environment())
    experiment = read_experiment(run.resolved, overrides)
    refuse_changes(run, with_its_normalization(experiment, run))  # before the data are read, as all is decided
    return _resume(run, experiment, options)


def _resume(run: RunDir, experiment: Experiment, options: RunOptions) -> Run:
    environment = run.read_environment()
    check_plugins(environment)
    screen = options.screen()
    machine = prepare_machine(experiment.sections.train, environment.get("threads"))
    experiment = with_its_normalization(experiment, run)
    with within_memory():
        built = build(experiment, machine.device, state=read_tree(run.preparation, "preparation"), start=_restart(run))
    refuse_changes(run, built.experiment)
    refuse_other_samples(run, built)
    refuse_shorter(run, built.experiment)
    if run.status().get("state") == "completed" and not asks_for_more(run, built.experiment):
        return Run(run)
    machine = machine.computing_with(Kernels.recorded(environment))
    with within_memory(), positioned(experiment):
        learner = make_learner(built, machine.device)
        machine = compile_steps(built, machine, learner, screen)
    if world().is_first:
        run.lock()
        for difference in differences(environment, machine):
            screen.say(
                f"warning[DLTK-WARN-MACHINE]: {difference}; from here on not bit-identical to an uninterrupted run"
            )
        run.write_resolved(built.experiment.sealed())
    return live(run, built, learner, screen, options.limits)


def _restart(run: RunDir) -> Start:
    """Return what gives a resumed run's model its values: a checkpoint, or its options where none was saved yet."""
    return as_built if has_state(run.checkpoints) else from_options
