"""From a checked experiment to data, model and task, ready to train or to use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from dltk.config.errors import ConfigError, DataError, OptionError, alternatives
from dltk.config.seeds import derive
from dltk.data.samples import Preparation
from dltk.data.splits import Splits, make_splits, split_parts
from dltk.experiment.config import Experiment
from dltk.experiment.oversize import refuse_oversized
from dltk.nn.roles import Estimator
from dltk.training.early_stopping import Selection
from dltk.training.task import Task

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


def build(experiment: Experiment, device: torch.device, *, state: Mapping[str, Any] | None = None) -> Built:
    """Read the data, fit or restore the preparation, and make model and task.

    Args:
        experiment: What was asked for.
        device: Where data and model are put.
        state: A stored preparation; None fits one on the training samples.

    Raises:
        ConfigError: An option does not fit the data.
        DataError: The content of the data is invalid.
        MissingInput: A file is not there.
    """
    data = experiment.data
    try:
        source = data.file.read(data.options)
        parts, options = split_parts(source, data.common)
        preparation = _preparation(experiment, parts["train"], state)
        splits = make_splits(parts, preparation, options.batch_size or 1, experiment.sections.seed, device)
    except OptionError as error:
        raise experiment.problem("data", error) from None
    _refuse_empty(splits)
    task = build_task(experiment, preparation)
    decided = replace(experiment.task, options=getattr(task, "config", experiment.task.options))
    experiment = replace(experiment, data=replace(data, common=options), task=decided)
    experiment = _with_length(experiment, splits.train.num_batches)
    return Built(experiment, splits, _trainable(experiment, preparation, device), task, source.notes)


def _with_length(experiment: Experiment, num_batches: int | None) -> Experiment:
    """Decide how long to train where that was left open: small data are seen more often."""
    train = experiment.sections.train
    if train.epochs is not None or train.steps is not None:
        return experiment
    epochs = max(DEFAULT_EPOCHS, math.ceil(DEFAULT_MIN_STEPS / (num_batches or DEFAULT_MIN_STEPS)))
    sections = experiment.sections.model_copy(update={"train": train.model_copy(update={"epochs": epochs})})
    return replace(experiment, sections=sections, inferred=[*experiment.inferred, f"train.epochs: {epochs}"])


def restored_preparation(experiment: Experiment, state: Mapping[str, Any]) -> Preparation:
    """Return a stored preparation; the training data are not needed."""
    preparation: Preparation = experiment.data.file.restore(experiment.data.options, state)
    return preparation


def build_model(experiment: Experiment, preparation: Preparation, device: torch.device) -> nn.Module:
    """Make the model with initial weights that follow from the seed, or from `model.parameters`.

    Raises:
        ConfigError: An option does not fit the data.
    """
    torch.manual_seed(derive(experiment.sections.seed, "init"))
    try:
        model = _initial_model(experiment, preparation)
        _set_parameters(model, experiment.model.common.parameters or {})
    except OptionError as error:
        raise experiment.problem("model", error) from None
    return model.to(device)


def build_task(experiment: Experiment, preparation: Preparation) -> Task:
    """Make the task.

    Raises:
        ConfigError: An option does not fit the data.
    """
    try:
        task: Task = experiment.task.file.build(experiment.task.options, preparation.spec, preparation)
    except OptionError as error:
        raise experiment.problem("task", error) from None
    return task


def selection_for(experiment: Experiment, task: Task, splits: Splits) -> Selection:
    """Return what watches the val score; it watches nothing where there is no val split or no score.

    Raises:
        ConfigError: Early stopping or `select: best` without a val split, or a monitor the task does not report.
    """
    stopping, select = experiment.sections.early_stopping, experiment.sections.train.select
    watchable = {f"val/{name}": direction for name, direction in task.scores.items()} if splits.val is not None else {}
    if not watchable:
        asked = ("early_stopping",) if stopping else ("train", "select") if select == "best" else None
        if asked and splits.val is not None:
            raise _problem(experiment, asked, f"{experiment.task.name} reports no score to choose by; leave this out")
        if asked:
            raise _problem(
                experiment, asked, "there is no val split to choose by; set data.val_fraction, or leave this out"
            )
        return Selection(None)
    monitor = (stopping.monitor if stopping else None) or next(iter(watchable))
    if monitor not in watchable:
        raise _problem(
            experiment,
            ("early_stopping", "monitor"),
            f"no such score{alternatives(monitor, watchable)}",
        )
    loss = "val/loss" if watchable.get("val/loss") == "min" else ""
    if stopping is None:
        return Selection(monitor, watchable[monitor], loss=loss)
    patience, min_delta = stopping.patience, stopping.min_delta
    return Selection(monitor, watchable[monitor], loss=loss, patience=patience, min_delta=min_delta)


def total_steps(experiment: Experiment, splits: Splits) -> int | None:
    """Return the batches of the whole run; None where only reading tells.

    Raises:
        ConfigError: The schedule needs it and it is unknown.
    """
    train = experiment.sections.train
    if train.steps is not None:
        return train.steps
    if splits.train.num_batches is not None and train.epochs is not None:
        return splits.train.num_batches * train.epochs
    needing = [name for name, schedule in experiment.optimization.schedules.items() if schedule.needs_total]
    if needing:
        raise _problem(experiment, ("schedule",), "needs a known length; these data are a stream: give train.steps")
    return None


def _trainable(experiment: Experiment, preparation: Preparation, device: torch.device) -> nn.Module:
    """Make the model of a run, after checking that this machine can train it."""
    try:
        refuse_oversized(lambda: _initial_model(experiment, preparation))
    except OptionError as error:
        raise experiment.problem("model", error) from None
    model = build_model(experiment, preparation, device)
    if not isinstance(model, Estimator) and not any(parameter.requires_grad for parameter in model.parameters()):
        raise _problem(experiment, ("model",), "has no parameters that could learn")
    return model


def _initial_model(experiment: Experiment, preparation: Preparation) -> nn.Module:
    part = experiment.model
    model: nn.Module = part.file.build(part.options, preparation.spec, preparation)
    return model


def _preparation(experiment: Experiment, train: Any, state: Mapping[str, Any] | None) -> Preparation:
    if state is not None:
        return restored_preparation(experiment, state)
    preparation: Preparation = experiment.data.file.prepare(experiment.data.options, train)
    return preparation


def _refuse_empty(splits: Splits) -> None:
    for name, batches in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        if batches is not None and batches.num_samples == 0:
            raise DataError(f"the {name} split is empty")


def _set_parameters(model: nn.Module, values: Mapping[str, Any]) -> None:
    parameters = dict(model.named_parameters())
    for name, value in values.items():
        if name not in parameters:
            raise OptionError("parameters", f"there is no parameter '{name}'{alternatives(name, parameters)}")
        tensor = _numbers(name, value)
        shape = parameters[name].shape
        if [size for size in tensor.shape if size != 1] != [size for size in shape if size != 1]:
            raise OptionError(
                "parameters", f"'{name}' must have the shape {list(shape)}; received {list(tensor.shape)}"
            )
        with torch.no_grad():
            parameters[name].copy_(tensor.reshape(shape))


def _numbers(name: str, value: Any) -> Tensor:
    """Return nested lists as a tensor."""
    try:
        tensor = torch.tensor(value, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise OptionError("parameters", f"'{name}' must be nested lists of numbers of equal length") from None
    if not tensor.isfinite().all():
        raise OptionError("parameters", f"'{name}' must hold numbers that are finite in 32 bits")
    return tensor


def _problem(experiment: Experiment, path: tuple[str, ...], message: str) -> ConfigError:
    return experiment.problem(path[0], OptionError(".".join(path[1:]), message))
