"""Weights that a model starts from: those of a run, a checkpoint or a .safetensors file, where they fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dltk.config.errors import DataError, IntegrityError, MissingInput, OptionError, at_most_shown, shown
from dltk.config.sections import CheckpointOptions
from dltk.nn.foreign import INERT, PICKLED, read_safetensors
from dltk.training.runs.rundir import RunDir, find_run
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.durable import digest_of
from dltk.training.saving.trees import tensors_in


def pinned(path: Path) -> Path:
    """Return the very run, or checkpoint, that a path stands for today; other paths as they are.

    A folder of runs stands for the newest of them.
    """
    has_runs = path.is_dir() and not (path / "resolved.yaml").is_file() and any(path.glob("*/resolved.yaml"))
    return find_run(str(path))[0].path if has_runs else path


def refuse_absent(path: Path) -> None:
    """Refuse weights of which it is known without reading them that they cannot be had.

    Raises:
        MissingInput: There is no such run or file.
        OptionError: It is another program's file, which must be imported.
    """
    suffix = path.suffix.lower()
    if suffix in {INERT, *PICKLED} and not path.exists():
        raise MissingInput(f"there is no file {shown(path.name)}", where=str(path))
    if suffix in PICKLED:
        raise OptionError(
            "weights", f"{shown(path.name)} is another program's file; make a run of it by dltk import, and name that"
        )
    if suffix != INERT:
        find_run(str(path))


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Return tensors by name.

    Raises:
        MissingInput: As `refuse_absent`.
        OptionError: Likewise.
        DataError: The file is damaged, or holds no tensors by name.
        IntegrityError: No checkpoint of the run is intact.
    """
    refuse_absent(path)
    if path.suffix.lower() == INERT:
        return read_safetensors(path)
    run, step = find_run(str(path))
    weights = dict(tensors_in(_checkpoint(run, step).weights()))
    if not weights:
        raise DataError("this run has no weights by name", where=str(path))
    return weights


def take_what_fits(model: nn.Module, weights: Mapping[str, Tensor], source: str) -> tuple[set[str], list[str]]:
    """Copy every tensor whose name and shape are the model's; return their names, and what to say of all.

    A layer of which one tensor has another shape keeps all of its own.

    Raises:
        OptionError: Nothing fits.
    """
    own = model.state_dict()
    other = {_layer(name) for name, tensor in weights.items() if name in own and own[name].shape != tensor.shape}
    fitting = {name for name in weights if name in own and _layer(name) not in other}
    parameters = {name for name, _ in model.named_parameters()}
    if not fitting & parameters:
        theirs, ours = (", ".join(list(names)[:5]) for names in (weights, own))
        raise OptionError(
            "weights", f"nothing of {source} fits this model; it has {theirs} ...; the model has {ours} ..."
        )
    with torch.no_grad():
        for name in fitting:
            own[name].copy_(weights[name])
    kept = [_misfit(name, own[name], weights) for name in own if name not in fitting and name in parameters]
    unused = [name for name in weights if name not in own]
    said = [f"model.weights: {len(fitting)} of the model's {len(own)} tensors are those of {source}"]
    said += [f"model.weights: new are {at_most_shown(kept)}"] if kept else []
    return fitting, said + ([f"model.weights: not used: {at_most_shown(unused)}"] if unused else [])


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _misfit(name: str, tensor: Tensor, weights: Mapping[str, Tensor]) -> str:
    there = f", not {tuple(weights[name].shape)}" if name in weights else ""
    return f"{name} {tuple(tensor.shape)}{there}"


def _checkpoint(run: RunDir, step: int | None) -> Checkpoint:
    """Return the checkpoint of a step, or the one whose weights the run ended with, or its last."""
    status = run.status()
    checkpoints = Checkpoints(run.checkpoints, CheckpointOptions(), status.get("id", ""), digest_of(run.preparation))
    found = checkpoints.all()
    wanted = status.get("selected_step") if step is None else step
    chosen = next((one for one in found if one.step == wanted), None)
    if chosen is None and step is None:
        chosen = next((one for one in found if one.resumable), None)
    if chosen is None:
        raise IntegrityError(
            "no such checkpoint is intact", where=str(run.checkpoints), found="; ".join(checkpoints.skipped)
        )
    return chosen
