"""What a new model starts from: its initial values, and what of them does not learn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dltk.config.errors import OptionError, choices_near, did_you_mean
from dltk.config.sections import ModelOptions
from dltk.config.terminal import short
from dltk.experiment.config import Experiment
from dltk.nn.freezing import freeze, frozen_names
from dltk.nn.initialisers import initialize
from dltk.nn.normalization import canonical, option_of
from dltk.nn.roles import Estimator
from dltk.training.saving.pretrained import read_weights, take_what_fits

NUM_NAMED = 3
Start = Callable[[Experiment, nn.Module], Sequence[str]]
"""Gives a new model its values; returns what to say of them. Raises OptionError below `model`."""


def from_options(experiment: Experiment, model: nn.Module) -> list[str]:
    """Give a new model the values that its options ask for, later ones over earlier ones.

    They are: the initialiser, weights that the model's file knows where to find, other weights, values written by hand.

    Raises:
        OptionError: One does not fit the model.
        DltkError: Weights cannot be had.
    """
    options = experiment.model.common
    if options.initializer is not None:
        _refuse_estimator(model, "initializer")
        initialize(model, options.initializer)
    taken, said = _take_pretrained(experiment, model)
    if options.weights is not None:
        _refuse_estimator(model, "weights")
        path = Path(options.weights)
        fitting, told = take_what_fits(model, read_weights(path), short(path))
        taken, said = taken | fitting, said + told
    set_parameters(model, options.parameters or {})
    return said + _told_of_random(model, options, taken)


def as_built(_experiment: Experiment, _model: nn.Module) -> list[str]:
    """Leave a model as it is: a checkpoint brings all its values."""
    return []


def freeze_as_asked(experiment: Experiment, model: nn.Module) -> None:
    """Keep those parameters from learning that the options name.

    Raises:
        OptionError: There are none of that name.
    """
    what = experiment.model.common.freeze
    if what is not None:
        _refuse_estimator(model, "freeze")
        freeze(model, what)


def decided(experiment: Experiment, model: nn.Module) -> Experiment:
    """Return an experiment whose `model.normalize` says what the model does, where its weights decided that.

    Raises:
        OptionError: Something else was written.
    """
    options, effective = experiment.model.options, option_of(model)
    asked = getattr(options, "normalize", None)
    if effective is None or not hasattr(options, "normalize") or canonical(asked or "none") == effective:
        return experiment
    numbers = {} if isinstance(effective, str) else effective.plain()
    spelled = f"{{mean: {numbers['mean']}, std: {numbers['std']}}}" if numbers else effective
    if asked is not None and "normalize" in options.model_fields_set:
        raise OptionError(
            "normalize",
            f"the weights bring their own normalisation, {spelled}; leave normalize out",
            id="DLTK-CONFIG-CONFLICT",
        )
    part = replace(experiment.model, options=options.model_copy(update={"normalize": effective}))
    said = f"model.normalize: {spelled}, which the weights bring"
    return replace(experiment, model=part, inferred=[*experiment.inferred, said])


def _told_of_random(model: nn.Module, options: ModelOptions, taken: Collection[str]) -> list[str]:
    """Return what to say of frozen parameters with random values: an experiment, but a mistake beside weights.

    Raises:
        OptionError: Weights were taken, and have none of them.
    """
    if options.freeze is None:
        return []
    _refuse_estimator(model, "freeze")
    frozen = frozen_names(model, options.freeze).difference(taken, options.parameters or ())
    random = [name for name, _ in model.named_parameters() if name in frozen]
    if not random:
        return []
    first = ", ".join([*random[:NUM_NAMED], *(["..."] if len(random) > NUM_NAMED else [])])
    tensors = f"{len(random)} frozen tensor{'s' if len(random) > 1 else ''}"
    if taken:
        raise OptionError("freeze", f"the weights have nothing for {tensors}, which would stay random: {first}")
    return [f"warning[DLTK-WARN-RANDOM]: {tensors} keep{'s' if len(random) == 1 else ''} random values: {first}"]


def _take_pretrained(experiment: Experiment, model: nn.Module) -> tuple[set[str], list[str]]:
    """Take the weights that the model's own file offers by a function `pretrained(config, spec)`, where it does."""
    offer = getattr(experiment.model.file, "pretrained", None)
    weights = None if offer is None else offer(experiment.model.options, experiment.spec)
    return (set(), []) if weights is None else take_what_fits(model, weights, f"the published {experiment.model.name}")


def _refuse_estimator(model: nn.Module, option: str) -> None:
    if isinstance(model, Estimator):
        raise OptionError(option, "this model is fitted in one pass; leave this out", id="DLTK-CONFIG-CONFLICT")


def set_parameters(model: nn.Module, values: Mapping[str, Any]) -> None:
    """Give parameters the values written by hand; raise OptionError where there are none of such a name or shape."""
    parameters = dict(model.named_parameters())
    for name, value in values.items():
        if name not in parameters:
            raise OptionError(
                ("parameters", name),
                f"there is no parameter '{name}'{did_you_mean(name, parameters)}",
                allowed=choices_near(name, parameters),
                id="DLTK-CONFIG-UNKNOWN-NAME",
            )
        tensor = _numbers(name, value)
        shape = parameters[name].shape
        if [size for size in tensor.shape if size != 1] != [size for size in shape if size != 1]:
            raise OptionError(
                ("parameters", name),
                f"'{name}' has another shape",
                found=str(list(tensor.shape)),
                allowed=str(list(shape)),
            )
        with torch.no_grad():
            parameters[name].copy_(tensor.reshape(shape))


def _numbers(name: str, value: Any) -> Tensor:
    """Return nested lists as a tensor."""
    try:
        tensor = torch.tensor(value, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise OptionError(("parameters", name), f"'{name}' must be nested lists of numbers of equal length") from None
    if not tensor.isfinite().all():
        raise OptionError(("parameters", name), f"'{name}' must hold numbers that are finite in 32 bits")
    return tensor
