"""A run's model as a function of plain tensors, with real inputs to trace it and to compare on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from dltk.config.errors import DataError, UsageError
from dltk.data.batches import Batch
from dltk.data.fields import Field, Fields, Ragged
from dltk.experiment.finished import Run
from dltk.nn.feeding import feed
from dltk.training.task import Portable

NUM_CHECKED = 64
_MIN_TRACED = 3


@dataclass(frozen=True)
class Part:
    """One input tensor.

    Attributes:
        name: What it is called in an exported file.
        tensor: Real inputs.
        counts: What its first axis counts: samples, values of ragged inputs, or offsets, one more than samples.
    """

    name: str
    tensor: Tensor
    counts: Literal["samples", "values", "offsets"]


@dataclass(frozen=True)
class Traced:
    """A model whose inputs and outputs are plain tensors, with real inputs to trace and to compare.

    Attributes:
        module: (tensors) -> tuple of tensors.
        inputs: In the order of the module's arguments.
        outputs: What the model makes of them, by name, in order.
        num_samples: How many samples there are; the tensors repeat a few to have enough.
    """

    module: nn.Module
    inputs: Sequence[Part]
    outputs: Mapping[str, Tensor]
    num_samples: int

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Copies of the inputs, outside inference mode."""
        return tuple(part.tensor.clone() for part in self.inputs)


class Plain(nn.Module):
    """Takes and gives tensors only: ragged inputs arrive as values and offsets, several outputs in order."""

    def __init__(self, model: nn.Module, inputs: Field | Fields) -> None:
        super().__init__()
        self.model = model
        self._names = list(inputs) if isinstance(inputs, Mapping) else None
        fields = list(inputs.values()) if isinstance(inputs, Mapping) else [inputs]
        self._ragged = [isinstance(field, Ragged) for field in fields]

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Turn input tensors into output tensors."""
        waiting = iter(tensors)
        fields = [Ragged(next(waiting), next(waiting)) if ragged else next(waiting) for ragged in self._ragged]
        outputs = feed(self.model, fields[0] if self._names is None else dict(zip(self._names, fields, strict=True)))
        return tuple(outputs.values()) if isinstance(outputs, Mapping) else (outputs,)


def traced(run: Run, inputs: Sequence[str]) -> Traced:
    """Return a run's model, on the CPU, with the first samples of the user's files or of the run's own data.

    Raises:
        UsageError: The inputs cannot be tensors.
        DataError: There are no samples.
    """
    samples = _first_samples(run, inputs)
    # Sizes 0 and 1 are special to torch.export.
    batch = Batch.joined([samples] * -(-_MIN_TRACED // samples.num_samples))
    model, fields = run.model.cpu(), batch.inputs
    named = fields if isinstance(fields, Mapping) else {next(iter(run.preparation.spec.inputs)): fields}
    if isinstance(run.task, Portable):
        model, named = run.task.portable(model, batch)
    fields = next(iter(named.values())) if len(named) == 1 else named
    tensors = [part for name, field in named.items() for part in _parts(name, field)]
    plain = Plain(model, fields).eval()
    with torch.inference_mode():
        given = feed(model, fields)
        outputs = [output.clone() for output in plain(*(part.tensor for part in tensors))]
    names = given if isinstance(given, Mapping) else ["outputs"]
    return Traced(plain, tensors, dict(zip(names, outputs, strict=True)), samples.num_samples)


def _parts(name: str, field: Field) -> list[Part]:
    if isinstance(field, Ragged):
        return [Part(f"{name}_values", field.values, "values"), Part(f"{name}_offsets", field.offsets, "offsets")]
    if isinstance(field, Tensor):
        return [Part(name, field, "samples")]
    raise UsageError("a model whose inputs are lists of tensors cannot be exported")


def _first_samples(run: Run, inputs: Sequence[str]) -> Batch:
    batches = run.opened(inputs) if inputs else run.samples()[1]
    parts, count = [], 0
    for batch in batches.epoch(0) if batches is not None else ():
        parts.append(batch.to(torch.device("cpu")))
        count += batch.num_samples
        if count >= NUM_CHECKED:
            break
    if not parts:
        raise DataError("there is no input to compare on")
    return Batch.joined(parts)
