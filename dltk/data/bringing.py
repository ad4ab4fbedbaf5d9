"""From where samples lie to where they are needed: the device holds them, or gets each batch before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dltk.data.disk.ragged import DiskField
from dltk.data.fields import Field, Fields, Ragged, num_bytes_of, tensors_of, to_device

SHARE_OF_GPU = 0.5
"""Samples that take more than this part of a GPU's free memory stay in the host's."""


@dataclass(frozen=True)
class Collected:
    """Some samples as they are stored.

    Attributes:
        inputs: By name.
        targets: By name.
        num_samples: How many.
    """

    inputs: Fields
    targets: Fields
    num_samples: int


def home_of(fields: Sequence[Field | DiskField], device: torch.device) -> torch.device:
    """Return where whole fields lie: on the device, where they are or fit, else on the CPU."""
    held = [field for field in fields if not isinstance(field, DiskField)]
    if len(held) < len(fields):
        return torch.device("cpu")
    if device.type != "cuda" or all(_is_there(field, device) for field in held):
        return device
    free, _ = torch.cuda.mem_get_info(device)
    return device if sum(map(num_bytes_of, held)) <= SHARE_OF_GPU * free else torch.device("cpu")


def brought(parts: Iterator[Collected], home: torch.device, device: torch.device) -> Iterator[Collected]:
    """Yield collected samples on a device.

    To a GPU they are copied beside its work, one ahead of the one that is yielded, without waiting for it.
    """
    if _is_same(home, device) or device.type != "cuda":
        return (_moved(part, device) for part in parts)
    return _ahead(parts, device)


def _ahead(parts: Iterator[Collected], device: torch.device) -> Iterator[Collected]:
    beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: tuple[Collected, torch.cuda.Event] | None = None
    for part in parts:
        with torch.cuda.stream(beside):
            copied = _moved(_pinned(part), device), beside.record_event()
        if waiting is not None:
            yield _ready(*waiting)
        waiting = copied
    if waiting is not None:
        yield _ready(*waiting)


def _ready(part: Collected, copied: torch.cuda.Event) -> Collected:
    """Let the GPU, not the host, wait for the copy; its memory is used by another stream than it was made for."""
    stream = torch.cuda.current_stream()
    stream.wait_event(copied)
    for field in [*part.inputs.values(), *part.targets.values()]:
        for tensor in tensors_of(field):
            tensor.record_stream(stream)
    return part


def _moved(part: Collected, device: torch.device) -> Collected:
    return Collected(_each(part.inputs, device), _each(part.targets, device), part.num_samples)


def _each(fields: Fields, device: torch.device) -> Fields:
    return {name: to_device(field, device) for name, field in fields.items()}


def _pinned(part: Collected) -> Collected:
    """Put samples where a GPU can fetch them by itself."""
    return Collected(_in_pinned_memory(part.inputs), _in_pinned_memory(part.targets), part.num_samples)


def _in_pinned_memory(fields: Mapping[str, Field]) -> Fields:
    return {name: _pinned_field(field) for name, field in fields.items()}


def _pinned_field(field: Field) -> Field:
    if isinstance(field, Tensor):
        return field.pin_memory()
    if isinstance(field, Ragged):
        return Ragged(field.values.pin_memory(), field.offsets.pin_memory())
    return [tensor.pin_memory() for tensor in field]


def _is_there(field: Field, device: torch.device) -> bool:
    return all(_is_same(tensor.device, device) for tensor in tensors_of(field))


def _is_same(place: torch.device, device: torch.device) -> bool:
    """Compare devices of which one may be just "cuda", the current one."""
    return (place.type == device.type and None in {place.index, device.index}) or place == device
