"""Importing: a run made of a config and of weights that another program saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dltk.config.errors import OptionError, UsageError, shown
from dltk.experiment.config import Experiment, read_experiment
from dltk.experiment.finished import Run
from dltk.experiment.running import RunOptions, as_given, begin
from dltk.nn.confined import read_confined
from dltk.nn.foreign import in_order, refuse_misfits, renamed
from dltk.nn.normalization import Normalize
from dltk.nn.roles import Estimator


@dataclass(frozen=True)
class Naming:
    """How foreign names become a model's own, beside what the model's file knows of them.

    Attributes:
        prefixes: Beginnings to replace, old: new.
        by_order: Go by the place in the file instead of by names; shapes must agree.
    """

    prefixes: Mapping[str, str] = field(default_factory=dict)
    by_order: bool = False


def import_weights(
    file: str | Path,
    config: str | Path,
    overrides: Sequence[str] = (),
    options: RunOptions | None = None,
    naming: Naming | None = None,
) -> Run:
    """Make a completed run, scored but not trained, of weights that another program saved.

    Args:
        file: .pth, .pt, .th ... or .safetensors; nothing in it is executed.
        config: A YAML file: the data to score on, and the model.
        overrides: Of the config, `key=value`.
        options: Where the run goes and how much it says.
        naming: How names are matched.

    Raises:
        DataError: The weights are not those of this model.
        IntegrityError: The file asks to run code.
        DltkError: As `train` would.
    """
    file, config, naming = Path(file).absolute(), Path(config), naming or Naming()
    texts = [*overrides, "train.epochs=0", "train.steps=null", f"model.weights={json.dumps(str(file))}"]
    experiment = read_experiment(config, texts)
    if experiment.is_one_pass:
        raise UsageError(f"{experiment.model.name} is fitted in one pass; weights cannot be imported")
    tensors = read_confined(file)
    return begin(experiment, as_given(config, texts), options or RunOptions(), _giving(tensors, file, naming))


def _giving(
    tensors: Mapping[str, Tensor], file: Path, naming: Naming
) -> Callable[[Experiment, nn.Module], Sequence[str]]:
    """Return what gives a new model exactly these weights."""

    def start(experiment: Experiment, model: nn.Module) -> list[str]:
        if isinstance(model, Estimator) or not dict(model.named_parameters()):
            raise OptionError("", "this model has no weights by name")
        own = model.state_dict()
        optional = [f"{name}." for name, module in model.named_modules() if isinstance(module, Normalize)]
        if naming.by_order:
            wanted = {name: tensor for name, tensor in own.items() if not name.startswith(tuple(optional) or ("\0",))}
            given = in_order(tensors, wanted)
        else:
            given = renamed(tensors, _own_name(experiment), naming.prefixes)
        refuse_misfits(given, own, optional)
        with torch.no_grad():
            for name, tensor in given.items():
                own[name].copy_(tensor)
        return [f"weights: {len(given)} tensors of {shown(file.name)}"]

    return start


def _own_name(experiment: Experiment) -> Callable[[str], str | None]:
    """Return the names that a model's file gives to those of published weights, by `own_name(config, name)`."""
    own_name: Callable[[Any, str], str | None] | None = getattr(experiment.model.file, "own_name", None)
    return str if own_name is None else partial(own_name, experiment.model.options)
