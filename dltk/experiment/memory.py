"""How much memory a run takes, estimated from shapes alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from dltk.data.fields import Ragged, tensors_of
from dltk.data.specs import Image, Spec
from dltk.experiment.foresight import Foreseen
from dltk.nn.anatomy import Anatomy

_NUMBER_BYTES = 4


def memory_of(found: Foreseen, anatomy: Anatomy | None) -> dict[str, int]:
    """Return the bytes that each thing takes, largest part of a run last: what its forward passes keep.

    Left out: torch itself, what kernels need for themselves, and the scores of an evaluation.
    """
    is_on_disk = found.experiment.data.common.storage == "disk"
    parts = {"data": 0 if is_on_disk else data_bytes(found)}
    if found.model is not None:
        parts |= _of_model(found, found.model)
    if anatomy is not None and not found.experiment.is_one_pass:
        parts["activations"] = anatomy.whole.kept_bytes
        parts["widest layer"] = anatomy.widest_bytes
    return {name: size for name, size in parts.items() if size}


def data_bytes(found: Foreseen) -> int:
    """Return what all splits take where their samples have one size: images as bytes, other numbers as they are fed."""
    preparation = found.data.preparation
    example = preparation.spec.example(1, "meta")
    if not found.data.is_exact or any(isinstance(field, Ragged) for field in _fields(example.inputs)):
        return 0
    targets = sum(tensor.nbytes for field in _fields(example.targets) for tensor in tensors_of(field))
    return sum(found.sizes.values()) * (_stored_bytes(preparation.spec) + targets)


def _stored_bytes(spec: Spec) -> int:
    """Return what the inputs of a sample take in memory."""
    numbers = {name: math.prod(kind.shape) for name, kind in spec.inputs.items()}
    images = {name for name, kind in spec.inputs.items() if isinstance(kind, Image)}
    example = spec.example(1, "meta").inputs
    fields: Mapping[str, Any] = example if isinstance(example, Mapping) else dict.fromkeys(numbers, example)
    return sum(count if name in images else fields[name].nbytes for name, count in numbers.items())


def _of_model(found: Foreseen, model: nn.Module) -> dict[str, int]:
    """Return what parameters take, and everything of their size that training keeps beside them."""
    experiment = found.experiment
    weights = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    if experiment.is_one_pass:
        return {"model": weights}
    learned = {name: each.nbytes for name, each in model.named_parameters() if each.requires_grad}
    sets = experiment.task.options.optimizers or ("",)
    moments = sum(
        size * len(experiment.optimization.optimizer(name).kept_moments)
        for name in sets
        for parameter, size in learned.items()
        if not name or parameter.startswith(f"{name}.")
    )
    copies = {
        "averaged weights": experiment.optimization.ema is not None,
        "best weights": found.selection is not None and found.selection.monitor is not None,
    }
    return {
        "model": weights,
        "gradients": sum(learned.values()),
        "optimizer": moments,
        **{name: weights * is_kept for name, is_kept in copies.items()},
    }


def _fields(fields: Any) -> list[Any]:
    if fields is None:
        return []
    return list(fields.values()) if isinstance(fields, Mapping) else [fields]
