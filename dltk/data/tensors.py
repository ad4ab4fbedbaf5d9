"""Samples that are tensors already: a ready Preparation for data sets of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self, get_args

import torch
from pydantic import TypeAdapter
from torch import Tensor

from dltk.config.errors import DataError, listed
from dltk.data.batches import InMemory, Loading
from dltk.data.fields import Field, Fields
from dltk.data.files import refuse_absent
from dltk.data.samples import Columns, State
from dltk.data.specs import Modality, Numbers, Series, Spec, Table, Target, Vector

ReadFile = Callable[[str], Columns]
"""Reads one of the user's files, "-" for standard input, with or without targets."""
_KINDS = {kind.__name__: TypeAdapter(kind) for kind in (*get_args(Modality), *get_args(Target))}
_SCALED = (Table, Vector, Series)


class TensorPreparation:
    """Inputs and targets as the spec says; tables, vectors and series are scaled by the training samples.

    Their features get mean 0 and deviation 1. Images, tokens and ids are taken as they are. Targets that are numbers
    stay in their own units; the spec gets their means and scales.

    Args:
        spec: Names, kinds and sizes.
        read_file: Reads a file at predict; the data set reads its own with it, too.
        scales: Mean and deviation by input, each (features,).
    """

    def __init__(self, spec: Spec, read_file: ReadFile, scales: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        self._spec, self._read_file, self._scales = spec, read_file, dict(scales)

    @classmethod
    def fit(cls, spec: Spec, train: Columns, read_file: ReadFile) -> Self:
        """Fit means and deviations on the training samples.

        Raises:
            DataError: A training sample is not as the spec says, or not finite.
        """
        _refuse_misshapen(spec, train)
        scaled = [name for name, modality in spec.inputs.items() if isinstance(modality, _SCALED)]
        targets = {
            name: _fitted(target, train.targets[name]) if isinstance(target, Numbers) else target
            for name, target in spec.targets.items()
        }
        return cls(replace(spec, targets=targets), read_file, {name: _scale(train.inputs[name]) for name in scaled})

    @classmethod
    def restore(cls, state: State, read_file: ReadFile) -> Self:
        """Rebuild from what `state` returned."""
        kinds = {part: {name: _kind(stored) for name, stored in state[part].items()} for part in ("inputs", "targets")}
        scales = {name: (scale["mean"], scale["deviation"]) for name, scale in state["scales"].items()}
        return cls(Spec(kinds["inputs"], kinds["targets"]), read_file, scales)

    @property
    def spec(self) -> Spec:
        """What was given, with the means and scales of targets that are numbers."""
        return self._spec

    def open(self, inputs: Sequence[str]) -> Columns:
        """Read a user's files one after another; with several, names begin with the file's."""
        refuse_absent(inputs)
        files = [self._read_file(path) for path in inputs]
        prefixes = [f"{Path(path).name} " if len(files) > 1 else "" for path in inputs]
        names = [f"{prefix}{name}" for prefix, file in zip(prefixes, files, strict=True) for name in file.names]
        columns = {name: _joined([file.inputs[name] for file in files]) for name in self._spec.inputs}
        return Columns(columns, {}, names)

    def statuses(self, samples: Columns) -> list[str]:
        """Return "invalid" for a sample with a number that is not finite, else "ok"."""
        finite = torch.ones(len(samples), dtype=torch.bool)
        for column in samples.inputs.values():
            finite &= _finite(column)
        return ["ok" if is_finite else "invalid" for is_finite in finite.tolist()]

    def reasons(self, samples: Columns) -> list[str]:
        """Return which inputs of invalid samples have numbers that are not finite."""
        finite = {name: _finite(column).tolist() for name, column in samples.inputs.items()}
        wrong = [listed(repr(name) for name in finite if not finite[name][i]) for i in range(len(samples))]
        return [f"numbers that are not finite in {names}" for names in wrong]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        """Scale once, and batch.

        Raises:
            DataError: A sample is not as the spec says, or not finite.
        """
        _refuse_misshapen(self._spec, samples)
        inputs: dict[str, Field] = {name: samples.inputs[name] for name in self._spec.inputs}
        for name, (mean, deviation) in self._scales.items():
            inputs[name] = ((samples.inputs[name].double() - mean) / deviation).float()
        return InMemory(inputs, samples.targets, loading)

    def state(self) -> dict[str, Any]:
        """Return the spec, means and deviations."""
        return {
            "inputs": {name: _stored(modality) for name, modality in self._spec.inputs.items()},
            "targets": {name: _stored(target) for name, target in self._spec.targets.items()},
            "scales": {name: {"mean": mean, "deviation": spread} for name, (mean, spread) in self._scales.items()},
        }


def _stored(kind: Modality | Target) -> dict[str, Any]:
    return {"kind": type(kind).__name__, **asdict(kind)}


def _kind(stored: Mapping[str, Any]) -> Any:
    return _KINDS[stored["kind"]].validate_python({key: value for key, value in stored.items() if key != "kind"})


def _scale(column: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation over everything but the last axis; a constant feature has the deviation 1."""
    values = column.double().flatten(0, -2)
    is_constant = values.amax(0) == values.amin(0)  # a rounded mean leaves a tiny deviation
    return values.mean(0), torch.where(is_constant, 1.0, values.std(0, correction=0))


def _fitted(target: Numbers, column: Tensor) -> Numbers:
    mean, deviation = _scale(column)
    return replace(target, means=tuple(mean.tolist()), scales=tuple(deviation.tolist()))


def _finite(column: Tensor | list[Tensor]) -> Tensor:
    """Return per sample whether all its values are finite, (n,)."""
    if isinstance(column, Tensor):
        return column.isfinite().flatten(1).all(1) if column.dim() > 1 else column.isfinite()
    return torch.tensor([bool(sample.isfinite().all()) for sample in column], dtype=torch.bool)


def _joined(columns: Sequence[Any]) -> Any:
    if isinstance(columns[0], Tensor):
        return torch.cat(list(columns))
    return [sample for column in columns for sample in column]


def _refuse_misshapen(spec: Spec, samples: Columns) -> None:
    """Compare tensors with an example of the spec; lists of tensors have sizes of their own."""
    example = spec.example(1)
    expected = {**_by_name(example.inputs, spec.inputs), **_by_name(example.targets, spec.targets)}
    for name, column in [*samples.inputs.items(), *samples.targets.items()]:
        example_column = expected.get(name)
        if not isinstance(column, Tensor) or not isinstance(example_column, Tensor):
            continue
        if column.shape[1:] != example_column.shape[1:] or column.dtype != example_column.dtype:
            raise DataError(
                f"'{name}' is not as the data set describes it",
                found=_spelled(column),
                expected=_spelled(example_column),
            )
        wrong = (~_finite(column)).nonzero().flatten().tolist()
        if wrong:
            raise DataError(f"'{name}' has numbers that are not finite", where=f"sample {samples.names[wrong[0]]}")


def _by_name(fields: Field | Fields | None, names: Mapping[str, Any]) -> Mapping[str, Field]:
    """Undo that a batch's single field stands by itself."""
    if fields is None:
        return {}
    return fields if isinstance(fields, Mapping) else dict.fromkeys(names, fields)


def _spelled(column: Tensor) -> str:
    sizes = ", ".join(["samples", *map(str, column.shape[1:])])
    return f"{str(column.dtype).removeprefix('torch.')} ({sizes})"
