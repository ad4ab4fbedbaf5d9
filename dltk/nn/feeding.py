"""Feeding a model: how inputs reach it, and what must come out for one target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from dltk.config.errors import ConfigError, listed
from dltk.config.problems import Problem


def feed(model: nn.Module, inputs: Any) -> Any:
    """Call a model: several inputs, a mapping, arrive as keywords; one input as it is."""
    return model(**inputs) if isinstance(inputs, Mapping) else model(inputs)


def outputs_for(target: str, num_outputs: int, model: nn.Module, inputs: Any) -> Tensor:
    """Return a predictor's outputs (B, num_outputs) for one target; a mapping of outputs is looked up by its name.

    Raises:
        ConfigError: The model has other outputs, as one whose output layer was written by hand may.
    """
    return checked_outputs(target, num_outputs, feed(model, inputs))


def checked_outputs(target: str, num_outputs: int, outputs: Any) -> Tensor:
    """Return what a predictor gave for one target, if it is of the shape (B, num_outputs); raise as `outputs_for`."""
    if isinstance(outputs, Mapping):
        if target not in outputs:
            raise _wrong(f"must have an output '{target}'; received {listed(outputs)}")
        outputs = outputs[target]
    if outputs.dim() != 2 or outputs.shape[1] != num_outputs:
        received = ", ".join(["samples", *map(str, outputs.shape[1:])])
        raise _wrong(f"must have outputs of shape (samples, {num_outputs}) for '{target}'; received ({received})")
    result: Tensor = outputs
    return result


def _wrong(message: str) -> ConfigError:
    return ConfigError([Problem(("model",), message, id="DLTK-CONFIG-SHAPE")])
