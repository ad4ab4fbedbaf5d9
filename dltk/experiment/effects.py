"""Options that nothing would come of: refused where they contradict others, told where a run is too short for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from dltk.config.augmentation import Mixing
from dltk.config.errors import count_of, shown
from dltk.config.problems import Problem, ProblemId
from dltk.config.sections import DataOptions, TensorboardOptions
from dltk.data.resources import memory_bytes
from dltk.data.specs import Classes, Spec
from dltk.experiment.config import Experiment
from dltk.training.session import Session

_CONFLICT: ProblemId = "DLTK-CONFIG-CONFLICT"
_RANGE: ProblemId = "DLTK-CONFIG-RANGE"
_MEMORY: ProblemId = "DLTK-CONFIG-MEMORY"
_GIB = 2**30


def contradictions(experiment: Experiment) -> list[Problem]:
    """Return the options that could have no effect, or fail once the data are read, whatever the data are."""
    found = [*_of_splits(experiment), *_of_batches(experiment), *_of_tensorboard(experiment)]
    return [*found, *(_of_one_pass(experiment) if experiment.is_one_pass else ())]


def oversized_batch(spec: Spec, batch_size: int) -> list[Problem]:
    """Return what is wrong where the inputs of one batch alone are more than this machine's memory."""
    memory = memory_bytes()
    example = spec.example(1, "meta").inputs
    fields = example.values() if isinstance(example, dict) else [example]
    needed = batch_size * sum(getattr(field, "nbytes", 0) for field in fields)
    if memory is None or needed <= memory:
        return []
    what = (
        f"one batch of {batch_size:,} needs {needed / _GIB:,.0f} GiB; this machine has {memory / _GIB:,.0f} GiB; "
        "take a smaller one, or smaller inputs"
    )
    return [Problem(("data", "batch_size"), what, id=_MEMORY)]


def needs_several(model: nn.Module, batch_size: int) -> list[Problem]:
    """Return what is wrong where batches of one sample meet a layer that needs the statistics of several."""
    if batch_size > 1 or not any(isinstance(module, nn.BatchNorm1d) and module.training for module in model.modules()):
        return []
    what = "batch normalisation of vectors needs several samples"
    return [Problem(("data", "batch_size"), what, id=_RANGE, found="1", allowed="at least 2")]


def notes(experiment: Experiment, session: Session | None, model: nn.Module | None) -> list[str]:
    """Return what to tell of options that this run is too short for, its parameters never use, or nothing shows."""
    found = [] if model is None or experiment.is_one_pass else list(_unused_rates(experiment, model))
    train, stopping = experiment.sections.train, experiment.sections.early_stopping
    if 0 in {train.epochs, train.steps}:
        return ["note: nothing is trained, so that optimizer, schedule and early stopping have no effect"]
    if session is None or session.total_steps is None:
        return found
    total = session.total_steps
    lasts = f"the run has {count_of(total, 'step')}"
    every = train.evaluate_every
    if every != "epoch" and every > total:
        found.append(f"note: train.evaluate_every: {every} is never reached, {lasts}; it is scored once, at the end")
    saved = experiment.sections.checkpoint.every_steps
    if saved is not None and saved > total:
        found.append(f"note: checkpoint.every_steps: {saved} is never reached, {lasts}")
    steps = session.epoch_steps if every == "epoch" else every
    evaluations = -(-total // steps) if steps else None
    if stopping is not None and evaluations is not None and stopping.patience >= evaluations - 1:
        told = f"the val split is scored {count_of(evaluations, 'time')}"
        found.append(f"note: early_stopping.patience: {stopping.patience} stops nothing, {told}")
    return found


def _unused_rates(experiment: Experiment, model: nn.Module) -> Iterator[str]:
    """Yield what is never used of an optimizer, because all parameters are in groups with options of their own."""
    for name in experiment.task.options.optimizers or ("",):
        optimizer = experiment.optimization.optimizer(name)
        patterns = [pattern for group in optimizer.groups for pattern in group.patterns]
        below = f"{name}." if name else ""
        own = [key for key, each in model.named_parameters() if each.requires_grad and key.startswith(below)]
        if not patterns or any(not any(fnmatchcase(key, pattern) for pattern in patterns) for key in own):
            continue
        where = f"optimizer.{name}" if name in experiment.optimization.optimizers and name else "optimizer"
        unused = {
            "lr": all(group.lr is not None for group in optimizer.groups),
            "weight_decay": bool(getattr(optimizer, "weight_decay", 0))
            and all(group.weight_decay is not None for group in optimizer.groups),
        }
        for option in (option for option, is_unused in unused.items() if is_unused):
            yield f"note: {where}.{option} is never used: every parameter is in a group with one of its own"


def _of_splits(experiment: Experiment) -> Iterator[Problem]:
    common, targets = experiment.data.common, list(experiment.spec.targets.values())
    one_class_each = len(targets) == 1 and isinstance(targets[0], Classes) and not targets[0].multi_label
    if common.group is not None and common.group_pattern is not None:
        yield Problem(("data", "group_pattern"), "give group or group_pattern, not both", id=_CONFLICT)
    if common.group_pattern is not None:
        try:
            re.compile(common.group_pattern)
        except re.error as error:
            what = f"is no regular expression: {error}"
            yield Problem(("data", "group_pattern"), what, found=shown(common.group_pattern))
    yield from _of_folds(common)
    if common.stratify == "off" and not one_class_each:
        yield _without_effect("stratify", "these data have no classes to share out")
    elif common.stratify == "off" and common.time is not None:
        yield _without_effect("stratify", "the latest samples are kept aside")
    if common.sampler == "balanced" and not one_class_each:
        what = "balanced needs samples of one class each, which these data have not"
        yield Problem(("data", "sampler"), what, id=_CONFLICT)


def _of_folds(common: DataOptions) -> Iterator[Problem]:
    if common.fold is None:
        return
    index, count = common.fold
    if not (count >= 2 and index < count):
        found, allowed = str(list(common.fold)), "[i, k] with i < k, and k of at least 2"
        yield Problem(("data", "fold"), "there is no such fold", id=_RANGE, found=found, allowed=allowed)
    if common.val_fraction:
        yield Problem(("data", "fold"), "the fold is the val split; leave val_fraction out", id=_CONFLICT)


def _without_effect(option: str, why: str) -> Problem:
    return Problem(("data", option), f"has no effect: {why}; leave it out", id=_CONFLICT)


def _of_batches(experiment: Experiment) -> Iterator[Problem]:
    common = experiment.data.common
    for place, options in enumerate(common.augment):
        if isinstance(options, Mixing) and common.batch_size == 1:
            what = f"{options.name} mixes the samples of a batch; data.batch_size: 1 has no other"
            yield Problem(("data", "augment", place), what, id=_CONFLICT)
    normalizes = getattr(experiment.model.options, "normalize", None) not in {None, "none"}
    if normalizes and getattr(experiment.data.options, "normalize", None) == "standardize":
        what = f"{experiment.model.name} normalises its images itself, and the data are standardised already; give one"
        yield Problem(("model", "normalize"), what, id=_CONFLICT)


def _of_tensorboard(experiment: Experiment) -> Iterator[Problem]:
    shown_things = experiment.sections.tensorboard
    if shown_things is not None and not any(getattr(shown_things, name) for name in TensorboardOptions.model_fields):
        yield Problem(("tensorboard",), "shows nothing; write tensorboard: null", id=_CONFLICT)


def _of_one_pass(experiment: Experiment) -> Iterator[Problem]:
    one_pass = f"{experiment.model.name} is fitted in one pass"
    common: Any = experiment.model.common
    for key in ("initializer", "weights", "parameters", "freeze"):
        if getattr(common, key) is not None:
            yield Problem(("model", key), f"{one_pass}; leave {key} out", id=_CONFLICT)
    if experiment.sections.early_stopping is not None:
        yield Problem(("early_stopping",), f"{one_pass}, which nothing stops early; leave it out", id=_CONFLICT)
    if experiment.sections.train.evaluate_every != "epoch":
        yield Problem(("train", "evaluate_every"), f"{one_pass}; leave evaluate_every out", id=_CONFLICT)
