"""What moves a run's parameters: the task's learner with everything about the run it needs to know."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from dltk.config.document import locate
from dltk.config.errors import ConfigError, OptionError, UsageError, count_of
from dltk.data.plans import batch_sizes
from dltk.experiment.building import Built, total_steps
from dltk.experiment.config import Experiment
from dltk.training.learner import Learner
from dltk.training.optimization import OptimizationSettings, groups_of, watch_of
from dltk.training.processes import World, world
from dltk.training.session import Session
from dltk.training.task import Task


def make_learner(built: Built, device: torch.device) -> Learner:
    """Return the learner of a run.

    Raises:
        ConfigError: An option of optimizer, schedule or training does not fit the model, the data or the device.
    """
    experiment, splits = built.experiment, built.splits
    together = world()
    _refuse_to_divide(experiment, splits.train.num_samples, together)
    together.follow_first([*built.model.parameters(), *built.model.buffers()])
    session = session_for(experiment, device, splits.train.num_batches)
    settings = settings_for(experiment, built.task, session, has_val=splits.val is not None)
    try:
        return built.task.learner(built.model, settings, session)
    except OptionError as error:
        raise _positioned(experiment, error) from None


def session_for(experiment: Experiment, device: torch.device, num_batches: int | None) -> Session:
    """Return where and how long a run computes.

    Args:
        experiment: With its length decided.
        device: Where it computes.
        num_batches: In an epoch; None where only reading tells.

    Raises:
        ConfigError: An option of training does not fit the device, or such a length.
    """
    session = unchecked_session(experiment, device, num_batches)
    refuse_unfit(experiment, session)
    return session


def unchecked_session(experiment: Experiment, device: torch.device, num_batches: int | None) -> Session:
    """Return the same, whether or not the options of training fit it; raise where a schedule needs to know more."""
    return Session(experiment.sections.seed, device, total_steps(experiment, num_batches), num_batches, world())


def refuse_unfit(experiment: Experiment, session: Session) -> None:
    """Refuse options of training that do not fit the device or the length of a run; raise ConfigError."""
    device = session.device
    if experiment.sections.train.precision == "tf32" and device.type != "cuda":
        reason = f"tf32 needs a CUDA device; this run computes on {device.type}"
        raise experiment.problem("train", OptionError("precision", reason))
    _refuse_long_updates(experiment, session)


def settings_for(experiment: Experiment, task: Task, session: Session, *, has_val: bool) -> OptimizationSettings:
    """Return how parameters move, with what schedules may react to."""
    directions = {f"val/{name}": direction for name, direction in task.scores.items()} if has_val else {}
    num_evaluations = _num_evaluations(experiment, session)
    return replace(experiment.optimization, directions=directions, num_evaluations=num_evaluations)


def refuse_misfits(
    experiment: Experiment, settings: OptimizationSettings, session: Session, model: nn.Module | None
) -> None:
    """Refuse what the learner of a single parameter set would refuse, without making one.

    Args:
        experiment: What was asked for.
        settings: How parameters move.
        session: How long.
        model: Whose parameters options may name; None where it is not known yet.

    Raises:
        ConfigError: An option of optimizer or schedule does not fit the model or the run.
    """
    try:
        if model is not None:
            groups_of({name: each for name, each in model.named_parameters() if each.requires_grad}, settings)
        watch_of(settings, session.length(settings.batches_per_update))
    except OptionError as error:
        raise _positioned(experiment, error) from None


def refuse_learner(
    experiment: Experiment, task: Task, settings: OptimizationSettings, session: Session, model: nn.Module
) -> None:
    """Refuse what a learner of several parameter sets refuses when it is made, for it alone knows their lengths.

    Args:
        experiment: What was asked for.
        task: Whose learner it is.
        settings: How parameters move.
        session: How long.
        model: Without numbers; a learner that looks at them tells when it has some.

    Raises:
        ConfigError: An option of optimizers or schedules does not fit the model or the run.
    """
    try:
        task.learner(model, settings, session)
    except OptionError as error:
        raise _positioned(experiment, error) from None
    except (RuntimeError, TypeError, ValueError):  # it looked at numbers
        return


def _refuse_to_divide(experiment: Experiment, num_samples: int | None, together: World) -> None:
    """Refuse what several processes cannot share: a model that is fitted at once, and batches smaller than they are.

    Raises:
        UsageError: The model is fitted in one pass.
        ConfigError: A batch, which may be the last one of an epoch, has too few samples.
    """
    count = together.size
    if count > 1 and experiment.is_one_pass:
        raise UsageError(
            f"{experiment.model.name} is fitted in one pass, by one process; torchrun started {count}",
            do="dltk train CONFIG",
        )
    if count > 1 and num_samples is not None:
        fewest = min(batch_sizes(num_samples, experiment.data.common.batch_size))
        if fewest < count:
            reason = f"makes a batch of {count_of(fewest, 'sample')}, which {count} processes cannot share"
            raise experiment.problem("data", OptionError("batch_size", f"{reason}; choose another one"))


def _refuse_long_updates(experiment: Experiment, session: Session) -> None:
    """Refuse updates of more batches than an epoch, or the whole run, has: they would be of fewer."""
    accumulate = experiment.sections.train.accumulate
    available = {"an epoch": session.epoch_steps, "the run": session.total_steps}
    for what, count in available.items():
        if count and accumulate > count:
            said, allowed = f"{what} has only {count} batch{'' if count == 1 else 'es'}", f"at most {count}"
            raise experiment.problem("train", OptionError("accumulate", said, found=str(accumulate), allowed=allowed))


def _num_evaluations(experiment: Experiment, session: Session) -> int | None:
    """Return how often the val split is scored; None where only training tells."""
    every = experiment.sections.train.evaluate_every
    steps = session.epoch_steps if every == "epoch" else every
    return None if steps is None or session.total_steps is None else math.ceil(session.total_steps / steps)


@contextmanager
def positioned(experiment: Experiment) -> Iterator[None]:
    """Say where in a config stands what is refused while models compute, which know no config."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(locate(error.problems, experiment.document)) from None


def _positioned(experiment: Experiment, error: OptionError) -> ConfigError:
    """Return a problem whose path begins with its section."""
    return ConfigError(locate([error.problem()], experiment.document))
