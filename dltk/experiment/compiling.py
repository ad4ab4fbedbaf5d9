"""Whole steps as one compiled call: whether a run's are, by a rule over facts, and what is said where not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.data.batches import Batch, InMemory
from dltk.experiment.building import Built
from dltk.experiment.config import Experiment
from dltk.experiment.kernels import COMPILED, USUAL
from dltk.experiment.learning import session_for
from dltk.experiment.machine import Machine
from dltk.experiment.processor import this_processor
from dltk.training.compiled.machine_code import compiler
from dltk.training.compiled.obstacles import CannotCompile, is_tiny, obstacle, obstacle_in
from dltk.training.learner import Learner
from dltk.training.loggers import Screen
from dltk.training.processes import world
from dltk.training.session import Session

SHORTEST_RUN = 120_000
"""Steps from which on compiling is paid back by what each of them takes less; docs/performance.md has the figures."""
MOST_WORK = 2**20
"""Multiply-adds of a forward pass up to which calls, not arithmetic, take the time."""


@runtime_checkable
class Compilable(Protocol):
    """A learner whose steps can be compiled."""

    def compile(self, batches: Sequence[Batch], most: int, periods: list[int], processor: str) -> None:
        """Learn batches of these shapes by compiled steps from now on.

        Args:
            batches: One of each shape, in the order in which an epoch meets them.
            most: Batches in an epoch.
            periods: After every so many steps something is due.
            processor: What the code is made for.

        Raises:
            CannotCompile: With the reason.
        """


def why_not(experiment: Experiment, device: torch.device, model: nn.Module | None) -> str:
    """Return why a run's steps cannot be compiled, as far as that is known before data are read; "" where they can."""
    if device.type != "cpu":
        return f"steps are compiled on the CPU only; this run computes on {device.type}"
    if experiment.is_one_pass:
        return f"{experiment.model.name} is fitted in one pass"
    if experiment.task.options.optimizers:
        return f"the task {experiment.task.name} has several optimizers"
    if experiment.data.common.augment:
        return "augmentation draws at random"
    found = obstacle(experiment.optimization, world().size) or ("" if model is None else obstacle_in(model))
    return found or ("" if compiler() else "there is no C++ compiler here that is known to do, g++ on Linux")


def whether_compiled(
    experiment: Experiment, session: Session, model: nn.Module | None, batch_size: int
) -> Literal["on", "off"] | None:
    """Return what the rule says of a run's steps; None where the model is not known, and would tell."""
    asked = experiment.sections.train.compile
    if asked != "auto":
        return asked
    if why_not(experiment, session.device, model) or (session.total_steps or 0) < SHORTEST_RUN:
        return "off"
    if model is None:
        return None
    return "on" if is_tiny(model, batch_size, MOST_WORK) else "off"


def refuse_uncompilable(experiment: Experiment, device: torch.device, model: nn.Module | None) -> None:
    """Refuse what was asked for and cannot be; raise OptionError below `train`."""
    reason = why_not(experiment, device, model) if experiment.sections.train.compile == "on" else ""
    if reason:
        raise OptionError("compile", f"the steps of this run cannot be compiled: {reason}; leave compile out")


def choose_step(built: Built, machine: Machine) -> Machine:
    """Return a machine whose steps are compiled where that was asked for, or the rule says so.

    Raises:
        ConfigError: It was asked for, and cannot be.
    """
    experiment, lessons = built.experiment, built.splits.lessons
    session = session_for(experiment, machine.device, lessons.num_batches)
    try:
        refuse_uncompilable(experiment, machine.device, built.model)
    except OptionError as error:
        raise experiment.problem("train", error) from None
    said = whether_compiled(experiment, session, built.model, experiment.data.common.batch_size or 1)
    lies = isinstance(lessons, InMemory) and lessons.lies == "in memory"
    is_compiled = said == "on" and (lies or experiment.sections.train.compile == "on")
    return machine.with_step(COMPILED if is_compiled else USUAL)


def compile_steps(built: Built, machine: Machine, learner: Learner, screen: Screen) -> Machine:
    """Compile the steps of a machine that has chosen so, or return one that computes as usual, and say why.

    Raises:
        ConfigError: It was asked for, and cannot be.
    """
    if machine.kernels.step != COMPILED:
        return machine
    experiment, began = built.experiment, time.monotonic()
    screen.say("train.compile: compiling the step, which takes a while where it was not compiled before")
    try:
        _compile(built, learner)
    except CannotCompile as error:
        reason = str(error)
        if experiment.sections.train.compile == "on":
            message = f"the steps of this run cannot be compiled: {reason}; leave compile out"
            raise experiment.problem("train", OptionError("compile", message)) from None
        screen.say(f"warning[DLTK-WARN-COMPILE]: steps are not compiled: {reason}")
        return machine.with_step(USUAL)
    screen.say(f"train.compile: the step was compiled, or found in the cache, in {time.monotonic() - began:.1f} s")
    return machine


def _compile(built: Built, learner: Learner) -> None:
    train, checkpoint = built.experiment.sections.train, built.experiment.sections.checkpoint
    lessons = built.splits.lessons
    num_batches = lessons.num_batches or 1
    ends = {0, num_batches - 1}
    batches = [batch for place in sorted(ends) for batch in islice(lessons.epoch(0, start=place), 1)]
    if not batches or not isinstance(learner, Compilable):
        raise CannotCompile("the task learns in another way than by one gradient")
    periods = [each for each in (train.evaluate_every, checkpoint.every_steps) if isinstance(each, int)]
    processor = this_processor()
    told = f"{processor} {' '.join(sorted(processor.flags))}"
    shapes = {batch.num_samples: batch for batch in batches}
    learner.compile(list(shapes.values()), num_batches, periods, told)
