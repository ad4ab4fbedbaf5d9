"""Batches: samples in a planned order, whole data in memory, one gather per batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from dltk.data.bringing import Collected, brought, home_of
from dltk.data.disk.ragged import DiskField, in_parts, room_of
from dltk.data.fields import Field, Fields, concatenate, take, to_device
from dltk.data.gathering import Gathering
from dltk.data.plans import Plan, batch_sizes, distinct, in_order


@dataclass(frozen=True)
class Batch:
    """Some samples. A model with one input receives it as it is, one with several as keywords.

    Attributes:
        inputs: One field, or several by name.
        targets: One field, several by name, or None.
        num_samples: How many samples the fields hold.
    """

    inputs: Field | Fields
    targets: Field | Fields | None
    num_samples: int

    @classmethod
    def of(cls, inputs: Fields, targets: Fields, num_samples: int) -> Batch:
        """Make a batch; a single input or target stands by itself."""
        only_target = None if not targets else next(iter(targets.values())) if len(targets) == 1 else targets
        return cls(next(iter(inputs.values())) if len(inputs) == 1 else inputs, only_target, num_samples)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device; itself where it is there."""
        fields = (self.inputs, self.targets)
        if all(field is None or (isinstance(field, Tensor) and field.device == device) for field in fields):
            return self
        return replace(
            self,
            inputs=_move(self.inputs, device),
            targets=None if self.targets is None else _move(self.targets, device),
        )

    @classmethod
    def joined(cls, batches: Sequence[Batch]) -> Batch:
        """Return one batch with the samples of all, in order."""
        targets = [batch.targets for batch in batches if batch.targets is not None]
        return cls(
            _join([batch.inputs for batch in batches]),
            _join(targets) if targets else None,
            sum(batch.num_samples for batch in batches),
        )


class Batches(Protocol):
    """Samples that come in batches; every epoch has its own order, the same on every run."""

    @property
    def num_samples(self) -> int | None:
        """Samples in an epoch; None where only reading tells."""

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch; None where only reading tells."""

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, without its first `start` ones."""

    def take(self, indices: Tensor) -> Batches:
        """Return these samples only, in this order; raise TypeError where samples cannot be chosen."""

    def whole(self) -> Batch:
        """Return all samples as one batch, in order."""


@dataclass(frozen=True)
class Place:
    """Where in training a batch stands: all that random choices about its samples may depend on.

    Attributes:
        epoch: Number of the epoch, from 0.
        batch: Number of the batch in its epoch, from 0.
        draws: One number per sample, int64 (B,) on the device: its index in the training split; where a plan takes a
            sample again in the same epoch, n, 2n, ... more.
    """

    epoch: int
    batch: int
    draws: Tensor


Augment = Callable[[Fields, Fields, Place], tuple[Fields, Fields]]
"""(inputs, targets, place) -> both, changed at random; images are floats from 0 to 1."""


@dataclass(frozen=True)
class Loading:
    """How samples become batches: how many at once, in which order, where, and how they are varied in training."""

    batch_size: int = 64
    plan: Plan = in_order
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    augment: Augment | None = None


Finish = Callable[[Mapping[str, Field]], Mapping[str, Field]]
Stored = Mapping[str, Field | DiskField]


def as_they_are(fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """Finish nothing: the stored fields are what the model takes."""
    return fields


class InMemory:
    """Batches gathered from whole fields that lie, compact, in memory: the device's where they fit, else the host's.

    What does not fit there either is read from a disk.

    Args:
        inputs: Stored inputs by name, compact (uint8 images, int tokens); some may lie in a file.
        targets: Stored targets by name.
        loading: Size, order and device; its `augment` changes the batches of `epoch`, nothing else.
        finish: Turns the stored inputs of a batch into what the model takes, on the device, once per batch.
        unpack: Comes before it: turns stored images into floats from 0 to 1, which is what is augmented.
    """

    def __init__(
        self,
        inputs: Stored,
        targets: Fields,
        loading: Loading,
        finish: Finish = as_they_are,
        *,
        unpack: Finish = as_they_are,
    ) -> None:
        self._home = home_of([*inputs.values(), *targets.values()], loading.device)
        self._inputs = {name: _placed(field, self._home) for name, field in inputs.items()}
        self._targets = {name: to_device(field, self._home) for name, field in targets.items()}
        self._loading, self._finish, self._unpack = loading, finish, unpack
        self._num_samples = len(next(iter(inputs.values())))

    @property
    def num_samples(self) -> int:
        """Samples in an epoch."""
        return self._num_samples

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return len(self._sizes())

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, without its first `start` ones."""
        order = self._loading.plan(number, self._num_samples)
        if len(order) == 0:
            return iter(())
        parts = torch.split(order.to(self._home), self._sizes())
        if self._loading.augment is None and self._home == self._loading.device:
            return Gathering(parts[start:], self._gathered, self._joined)
        return self._brought(number, start, order, parts)

    def _brought(self, number: int, start: int, order: Tensor, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """Yield batches that are changed at random, or come from elsewhere."""
        device, augment = self._loading.device, self._loading.augment
        draws = torch.split(distinct(order, self._num_samples).to(device), self._sizes()) if augment else ()
        for batch, stored in enumerate(brought(map(self._collect, parts[start:]), self._home, device), start):
            yield self._finished(stored, Place(number, batch, draws[batch]) if augment else None)

    def take(self, indices: Tensor) -> InMemory:
        """Return these samples only, in this order, not augmented."""
        indices = indices.to(self._home)
        return InMemory(
            {
                name: field.take(indices) if isinstance(field, DiskField) else take(field, indices)
                for name, field in self._inputs.items()
            },
            {name: take(field, indices) for name, field in self._targets.items()},
            replace(self._loading, augment=None),
            self._finish,
            unpack=self._unpack,
        )

    def loaded(self, loading: Loading) -> InMemory:
        """Return the same samples, not copied, batched in another way."""
        return InMemory(self._inputs, self._targets, loading, self._finish, unpack=self._unpack)

    @property
    def loading(self) -> Loading:
        """How the samples become batches."""
        return self._loading

    @property
    def lies(self) -> str:
        """Where the samples are: "in memory", "in memory of cuda:0", "in memory of the host" or "on disk"."""
        if any(isinstance(field, DiskField) for field in self._inputs.values()):
            return "on disk"
        if self._home.type == self._loading.device.type:
            return "in memory" if self._home.type == "cpu" else f"in memory of {self._home}"
        return "in memory of the host"

    @property
    def num_bytes(self) -> int:
        """What the stored fields take."""
        return sum(map(room_of, [*self._inputs.values(), *self._targets.values()]))

    def stored_inputs(self) -> Stored:
        """Return the inputs of all samples by name, as they lie in memory or on disk."""
        return self._inputs

    def stored_targets(self) -> Fields:
        """Return the targets of all samples by name, as they lie in memory."""
        return self._targets

    def whole(self) -> Batch:
        """Return all samples as one batch, in order, not augmented."""
        indices = torch.arange(self._num_samples, device=self._home)
        (stored,) = brought(iter([self._collect(indices)]), self._home, self._loading.device)
        return self._finished(stored)

    def digest(self) -> str:
        """Return the SHA-256 of every stored byte, with names, types and shapes: the same samples have the same."""
        state = hashlib.sha256()
        both: list[tuple[str, Stored]] = [("inputs", self._inputs), ("targets", self._targets)]
        for kind, fields in both:
            for name, stored in sorted(fields.items()):
                state.update(f"{kind} {name}".encode())
                for dtype, shape, parts in in_parts(stored):
                    state.update(f"{dtype} {shape}".encode())
                    for some in parts:
                        state.update(some.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return state.hexdigest()

    def _gathered(self, indices: Tensor) -> Batch:
        return self._finished(self._collect(indices))

    def _joined(self, parts: Sequence[Tensor]) -> Batch:
        """Return several batches as one; what is finished may depend on the others of its batch."""
        if self._finish is as_they_are and self._unpack is as_they_are:
            return self._gathered(torch.cat(list(parts)))
        return Batch.joined([self._gathered(indices) for indices in parts])

    def _collect(self, indices: Tensor) -> Collected:
        """Return some samples as they are stored, in memory."""
        inputs = {
            name: field.read(indices) if isinstance(field, DiskField) else take(field, indices)
            for name, field in self._inputs.items()
        }
        return Collected(inputs, {name: take(field, indices) for name, field in self._targets.items()}, len(indices))

    def _finished(self, stored: Collected, place: Place | None = None) -> Batch:
        """Turn stored samples on the device into what the model takes."""
        inputs, targets = self._unpack(stored.inputs), stored.targets
        if place is not None and self._loading.augment is not None:
            inputs, targets = self._loading.augment(inputs, targets, place)
        return Batch.of(self._finish(inputs), targets, stored.num_samples)

    def _sizes(self) -> list[int]:
        return batch_sizes(self._num_samples, self._loading.batch_size)


def _placed(field: Field | DiskField, device: torch.device) -> Field | DiskField:
    return field if isinstance(field, DiskField) else to_device(field, device)


def _move(fields: Field | Fields, device: torch.device) -> Field | Fields:
    if isinstance(fields, Mapping):
        return {name: to_device(field, device) for name, field in fields.items()}
    return to_device(fields, device)


def _join(parts: Sequence[Field | Fields]) -> Field | Fields:
    first = parts[0]
    if isinstance(first, Mapping):
        return {name: concatenate([part[name] for part in parts if isinstance(part, Mapping)]) for name in first}
    return concatenate([part for part in parts if not isinstance(part, Mapping)])
