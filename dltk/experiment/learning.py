"""What moves a run's parameters: the task's learner with everything about the run it needs to know."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from dltk.config.document import locate
from dltk.config.errors import ConfigError, OptionError
from dltk.experiment.building import Built, total_steps
from dltk.training.learner import Learner
from dltk.training.session import Session


def make_learner(built: Built, device: torch.device) -> Learner:
    """Return the learner of a run.

    Raises:
        ConfigError: An option of optimizer, schedule or training does not fit the model, the data or the device.
    """
    experiment, splits = built.experiment, built.splits
    session = Session(experiment.sections.seed, device, total_steps(experiment, splits), splits.train.num_batches)
    if experiment.sections.train.precision == "tf32" and device.type != "cuda":
        reason = f"tf32 needs a CUDA device; this run computes on {device.type}"
        raise experiment.problem("train", OptionError("precision", reason))
    _refuse_long_updates(built, session)
    scores = built.task.scores if splits.val is not None else {}
    directions = {f"val/{name}": direction for name, direction in scores.items()}
    settings = replace(experiment.optimization, directions=directions, num_evaluations=_num_evaluations(built, session))
    try:
        return built.task.learner(built.model, settings, session)
    except OptionError as error:
        raise _positioned(built, error) from None


def _refuse_long_updates(built: Built, session: Session) -> None:
    """Refuse updates of more batches than an epoch, or the whole run, has: they would be of fewer."""
    accumulate = built.experiment.sections.train.accumulate
    available = {"an epoch": session.epoch_steps, "the run": session.total_steps}
    for what, count in available.items():
        if count and accumulate > count:
            reason = f"must be at most the batches of {what}, {count}; received {accumulate}"
            raise built.experiment.problem("train", OptionError("accumulate", reason))


def _num_evaluations(built: Built, session: Session) -> int | None:
    """Return how often the val split is scored; None where only training tells."""
    every = built.experiment.sections.train.evaluate_every
    steps = session.epoch_steps if every == "epoch" else every
    return None if steps is None or session.total_steps is None else math.ceil(session.total_steps / steps)


def _positioned(built: Built, error: OptionError) -> ConfigError:
    """Return a problem whose path begins with its section."""
    return ConfigError(locate([error.problem()], built.experiment.document))
