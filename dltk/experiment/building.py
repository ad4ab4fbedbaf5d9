"""From a checked experiment to data, model and task, ready to train or to use."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from dltk.config.augmentation import Mixing
from dltk.config.errors import ConfigError, DataError, OptionError, choices_near, did_you_mean, shown
from dltk.config.problems import ProblemId
from dltk.config.sections import DataOptions
from dltk.config.seeds import derive
from dltk.data.batches import Batches
from dltk.data.disk.placing import read_placed
from dltk.data.duplicates import duplicates_across
from dltk.data.samples import Preparation
from dltk.data.splits import Splits, as_they_lie, make_splits, split_parts
from dltk.experiment import starting
from dltk.experiment.config import Experiment
from dltk.experiment.layout import laid_out
from dltk.experiment.overfitting import few_batches, long_enough
from dltk.experiment.oversize import refuse_oversized
from dltk.experiment.starting import Start
from dltk.nn.normalization import refuse_twice_normalized
from dltk.nn.roles import Estimator
from dltk.training.early_stopping import Selection
from dltk.training.task import Fittable, Mixable, Task

DEFAULT_EPOCHS = 10
DEFAULT_MIN_STEPS = 1000


@dataclass(frozen=True)
class Built:
    """The parts of a run.

    Attributes:
        experiment: With every decision about the data in it.
        notes: What the data set said while it was read.
    """

    experiment: Experiment
    splits: Splits
    model: nn.Module
    task: Task
    notes: Sequence[str] = ()

    def selection(self) -> Selection:
        """Return what watches the val score of this run; raise as `selection_for` does."""
        return selection_for(self.experiment, self.task, has_val=self.splits.val is not None)


def build(
    experiment: Experiment,
    device: torch.device,
    *,
    state: Mapping[str, Any] | None = None,
    start: Start = starting.from_options,
) -> Built:
    """Read the data, fit or restore the preparation, and make model and task.

    Args:
        experiment: What was asked for.
        device: Where data and model are put.
        state: A stored preparation; None fits one on the training samples.
        start: Gives the model its initial values.

    Raises:
        ConfigError: An option does not fit the data.
        DataError: The content of the data is invalid.
        MissingInput: A file is not there.
    """
    data = experiment.data
    try:
        source, common = read_placed(data.file, data.options, data.common)
        parts, options = split_parts(source, common)
        _refuse_holding_what_lies_on_disk(experiment, options)
        preparation = _preparation(experiment, parts["train"], state)
        seed = experiment.sections.seed
        splits = make_splits(parts, preparation, options.batch_size or 1, seed, device, options)
        splits = few_batches(splits, experiment.sections, options.batch_size or 1)
        splits = as_they_lie(splits) if experiment.is_one_pass else splits
    except OptionError as error:
        raise experiment.problem("data", error) from None
    _refuse_empty(splits)
    task = build_task(experiment, preparation, splits.train)
    refuse_mixing(experiment, task)
    decided = replace(experiment.task, options=getattr(task, "config", experiment.task.options))
    experiment = replace(experiment, data=replace(data, common=options), task=decided)
    experiment = with_length(experiment, splits.train.num_batches)
    model, experiment = _trainable(experiment, preparation, device, start)
    return Built(experiment, splits, model, task, [*source.notes, *map(str, duplicates_across(splits, parts))])


def with_length(experiment: Experiment, num_batches: int | None) -> Experiment:
    """Decide how long to train where that was left open, or is too short to overfit: small data are seen more often."""
    asked = train = experiment.sections.train
    if train.epochs is None and train.steps is None:
        epochs = max(DEFAULT_EPOCHS, math.ceil(DEFAULT_MIN_STEPS / (num_batches or DEFAULT_MIN_STEPS)))
        train = train.model_copy(update={"epochs": epochs})
    if train.overfit_batches is not None and num_batches and not experiment.is_one_pass:
        train = long_enough(train, num_batches)
    if train == asked:
        return experiment
    sections = experiment.sections.model_copy(update={"train": train})
    return replace(experiment, sections=sections, inferred=[*experiment.inferred, f"train.epochs: {train.epochs}"])


def restored_preparation(experiment: Experiment, state: Mapping[str, Any]) -> Preparation:
    """Return a stored preparation; the training data are not needed."""
    preparation: Preparation = experiment.data.file.restore(experiment.data.options, state)
    return preparation


def build_model(experiment: Experiment, preparation: Preparation, device: torch.device) -> nn.Module:
    """Make the model with random weights that follow from the seed; a checkpoint is to replace them.

    Raises:
        ConfigError: An option does not fit the data.
    """
    return _started(experiment, preparation, device, starting.as_built)[0]


def build_task(experiment: Experiment, preparation: Preparation, train: Batches | None = None) -> Task:
    """Make the task.

    Args:
        experiment: What was asked for.
        preparation: What was fitted on the training samples.
        train: These, where the task is to learn; a finished run's options are all decided.

    Raises:
        ConfigError: An option does not fit the data.
    """
    try:
        task: Task = experiment.task.file.build(experiment.task.options, preparation.spec, preparation)
        if train is not None and isinstance(task, Fittable):
            task = task.fitted(train)
    except OptionError as error:
        raise experiment.problem("task", error) from None
    return task


def selection_for(experiment: Experiment, task: Task, *, has_val: bool) -> Selection:
    """Return what watches the val score; it watches nothing where there is no val split or no score.

    Args:
        experiment: With what was asked for.
        task: Which scores there are.
        has_val: Whether there is a val split.

    Raises:
        ConfigError: Early stopping or `select: best` without a val split, or a monitor the task does not report.
    """
    stopping, select = experiment.sections.early_stopping, experiment.sections.train.select
    watchable = {f"val/{name}": direction for name, direction in task.scores.items()} if has_val else {}
    if not watchable:
        asked = ("early_stopping",) if stopping else ("train", "select") if select == "best" else None
        if asked and has_val:
            what = f"{experiment.task.name} reports no score to choose by; leave this out"
            raise _problem(experiment, asked, what, "DLTK-CONFIG-SCORE")
        if asked:
            what = "there is no val split to choose by; set data.val_fraction, or leave this out"
            raise _problem(experiment, asked, what, "DLTK-CONFIG-SCORE")
        return Selection(None)
    monitor = (stopping.monitor if stopping else None) or next(iter(watchable))
    if monitor not in watchable:
        error = OptionError(
            "monitor",
            f"no such score{did_you_mean(monitor, watchable)}",
            id="DLTK-CONFIG-SCORE",
            found=shown(monitor),
            allowed=choices_near(monitor, watchable),
        )
        raise experiment.problem("early_stopping", error)
    loss = "val/loss" if watchable.get("val/loss") == "min" else ""
    if stopping is None:
        return Selection(monitor, watchable[monitor], loss=loss)
    patience, min_delta = stopping.patience, stopping.min_delta
    return Selection(monitor, watchable[monitor], loss=loss, patience=patience, min_delta=min_delta)


def scored_splits(splits: Collection[str], experiment: Experiment) -> list[str]:
    """Return which of some splits are scored at the end: val and test, or where there is neither the training one."""
    held = [name for name in ("val", "test") if name in splits] or ["train"]
    return [name for name in held if name != "test" or experiment.sections.train.test]


def total_steps(experiment: Experiment, num_batches: int | None) -> int | None:
    """Return the batches of the whole run; None where only reading tells.

    Args:
        experiment: With what was asked for.
        num_batches: In an epoch.

    Raises:
        ConfigError: The schedule needs it and it is unknown.
    """
    train = experiment.sections.train
    if train.steps is not None:
        return train.steps
    if num_batches is not None and train.epochs is not None:
        return num_batches * train.epochs
    needing = [name for name, schedule in experiment.optimization.schedules.items() if schedule.needs_total]
    if needing:
        what = "needs a known length; these data are a stream: give train.steps"
        raise _problem(experiment, ("schedule",), what, "DLTK-CONFIG-SPAN")
    return None


def _trainable(
    experiment: Experiment, preparation: Preparation, device: torch.device, start: Start
) -> tuple[nn.Module, Experiment]:
    """Make the model of a run, after checking that this machine can train it; return it and what it decided."""
    try:
        refuse_oversized(lambda: bare_model(experiment, preparation))
    except OptionError as error:
        raise experiment.problem("model", error) from None
    model, experiment = _started(experiment, preparation, device, start)
    if not isinstance(model, Estimator) and not any(parameter.requires_grad for parameter in model.parameters()):
        raise _problem(experiment, ("model",), "has no parameters that could learn", "DLTK-CONFIG-MISFIT")
    return model, experiment


def _started(
    experiment: Experiment, preparation: Preparation, device: torch.device, start: Start
) -> tuple[nn.Module, Experiment]:
    torch.manual_seed(derive(experiment.sections.seed, "init"))
    try:
        model = bare_model(experiment, preparation)
        said = start(experiment, model)
        experiment = starting.decided(replace(experiment, inferred=[*experiment.inferred, *said]), model)
        refuse_twice_normalized(model, preparation)
        starting.freeze_as_asked(experiment, model)
    except OptionError as error:
        raise experiment.problem("model", error) from None
    return laid_out(model.to(device)), experiment


def bare_model(experiment: Experiment, preparation: Preparation) -> nn.Module:
    """Make the model as its file does, before anything gives it other values; raises OptionError below `model`."""
    part = experiment.model
    model: nn.Module = part.file.build(part.options, preparation.spec, preparation)
    return model


def _preparation(experiment: Experiment, train: Any, state: Mapping[str, Any] | None) -> Preparation:
    if state is not None:
        return restored_preparation(experiment, state)
    preparation: Preparation = experiment.data.file.prepare(experiment.data.options, train)
    return preparation


def _refuse_holding_what_lies_on_disk(experiment: Experiment, options: DataOptions) -> None:
    if options.storage == "disk" and getattr(experiment.model.options, "holds_samples", False):
        what = "keeps all training samples, in memory; choose fewer (data.subset) or smaller ones, or another model"
        raise OptionError("storage", f"{experiment.model.name} {what}")


def _refuse_empty(splits: Splits) -> None:
    for name, batches in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        if batches is not None and batches.num_samples == 0:
            raise DataError(f"the {name} split is empty")


def refuse_mixing(experiment: Experiment, task: Task) -> None:
    """Refuse to mix classes for a task that learns from one class per sample only."""
    augment = experiment.data.common.augment
    mixing = list(dict.fromkeys(options.name for options in augment if isinstance(options, Mixing)))
    if mixing and not (isinstance(task, Mixable) and task.learns_shares):
        loss = getattr(experiment.task.options, "loss", None)
        learned = f"{experiment.task.name} with the loss {loss}" if loss else f"the task {experiment.task.name}"
        gives = f"{mixing[0]} gives" if len(mixing) == 1 else f"{' and '.join(mixing)} give"
        message = f"{gives} each image shares of several classes; {learned} needs one class each"
        raise _problem(experiment, ("data", "augment"), message, "DLTK-CONFIG-MISFIT")


def _problem(experiment: Experiment, path: tuple[str, ...], message: str, kind: ProblemId) -> ConfigError:
    return experiment.problem(path[0], OptionError(".".join(path[1:]), message, id=kind))
