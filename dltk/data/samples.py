"""Raw samples as a data set delivers them: nothing fitted, shuffled or split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import DataError
from dltk.data.batches import Batches, Loading
from dltk.data.fields import Ragged, take
from dltk.data.packed.cells import PackedCells, Stored, is_on_disk
from dltk.data.places import CellPlaces
from dltk.data.specs import Spec

State = Mapping[str, Any]
"""Mappings, lists, text, numbers and tensors: what can be stored without naming code."""


class Samples(Protocol):
    """Raw samples that can be chosen by position."""

    @property
    def names(self) -> Sequence[str]:
        """What the user calls each sample: a file, a row, a line."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Self:
        """Return these samples only, in this order."""

    def labels(self) -> Sequence[Any] | None:
        """Return one hashable label per sample to balance splits by, or None."""

    def columns(self) -> Mapping[str, Any]:
        """Return what splits can be grouped by: columns of one value per sample, by name."""


@dataclass(frozen=True)
class Columns:
    """Raw samples column by column: tensors, rows on disk, arrays, lists, ragged or data frames, of equal length.

    Attributes:
        inputs: Raw inputs by name.
        targets: Raw targets by name; empty where there are none, as at predict.
        names: What the user calls each sample; default its position.
        stratify: Name of the target whose values splits are balanced by, or None.
        others: What is neither learned from nor predicted, by name, such as the patient an image is of; splits can be
            grouped by it.
        notes: What was decided or left out while these samples were read, for the user.
        places: Where the samples stand in their files, if they are rows of tables.
    """

    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    names: Sequence[str] = ()
    stratify: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    places: CellPlaces | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in [*self.inputs.items(), *self.targets.items()]}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns must be of equal length; received {lengths}")
        if not self.names:
            object.__setattr__(self, "names", [str(i) for i in range(len(self))])

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, indices: Tensor) -> Columns:
        """Return these samples only, in this order."""
        return Columns(
            {name: taken(column, indices) for name, column in self.inputs.items()},
            {name: taken(column, indices) for name, column in self.targets.items()},
            taken(self.names, indices),
            self.stratify,
            {name: taken(column, indices) for name, column in self.others.items()},
            self.notes,
            None if self.places is None else self.places.take(indices),
        )

    @property
    def is_on_disk(self) -> bool:
        """Whether some of the inputs lie in files of dltk's cache."""
        return any(map(is_on_disk, self.inputs.values()))

    @property
    def text_bytes(self) -> int:
        """About what columns of text take that lie in files."""
        return sum(column.num_bytes for column in self.inputs.values() if isinstance(column, PackedCells))

    def labels(self) -> Sequence[Any] | None:
        """Return the values of the target to balance splits by, or None."""
        if self.stratify is None or self.stratify not in self.targets:
            return None
        return values_of(self.targets[self.stratify])

    def columns(self) -> Mapping[str, Any]:
        """Return what splits can be grouped by: `others`, targets, inputs of one value each, the columns of tables."""
        tables = [table for table in self.inputs.values() if hasattr(table, "itertuples")]
        cells = {str(name): table[name] for table in tables for name in table.columns}
        plain = {name: column for name, column in self.inputs.items() if getattr(column, "ndim", 0) == 1}
        return {**cells, **plain, **self.targets, **self.others}


class Decoder(Protocol):
    """How raw values that are paths of files become the rows of one compact tensor, each by itself."""

    @property
    def dtype(self) -> torch.dtype:
        """Of the tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""

    def facts(self) -> Mapping[str, Any]:
        """Return all plain values, beside the file, that a row depends on."""

    def decode(self, paths: Sequence[str]) -> Sequence[Tensor | ValueError]:
        """Return a row per file, or why it cannot be read."""

    def unreadable(self, broken: Mapping[str, str], num_files: int) -> DataError:
        """Return the error for files that cannot be read, given by path with the reason."""


@dataclass(frozen=True)
class Source:
    """The official parts of a data set: "train", and where the data bring them "val" and "test".

    A part is Samples, or a stream that `parse` understands; a stream cannot be split.

    Attributes:
        parts: By name.
        notes: What was decided or left out while reading, for the user.
        decoders: Of inputs that are paths of files; these need not fit in memory.
    """

    parts: Mapping[str, Any]
    notes: Sequence[str] = field(default_factory=tuple)
    decoders: Mapping[str, Decoder] = field(default_factory=dict)


class Preparation(Protocol):
    """What was fitted on the training samples, and how raw samples become batches with it."""

    @property
    def spec(self) -> Spec:
        """Names, kinds and sizes, all known now."""

    def open(self, inputs: Sequence[str]) -> Samples:
        """Read a user's own inputs (paths, "-" for standard input) as raw samples without targets."""

    def statuses(self, samples: Any) -> Sequence[str]:
        """Return per sample "ok" or what is the matter, e.g. "unknown_category"; what is "invalid" is never parsed."""

    def parse(self, samples: Any, loading: Loading) -> Batches:
        """Turn raw samples into batches."""

    def state(self) -> State:
        """Return all that was fitted."""


@runtime_checkable
class Explaining(Protocol):
    """A preparation that can say why a sample is "invalid"."""

    def reasons(self, samples: Any) -> Sequence[str]:
        """Return why each of some samples, all of which `statuses` called "invalid", is."""


def values_of(column: Any) -> Sequence[Any]:
    """Return a column as hashable values, one per sample."""
    if isinstance(column, PackedCells):
        return column
    if hasattr(column, "itertuples"):  # a data frame of several columns
        return list(column.itertuples(index=False, name=None))
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    return [tuple(value) if isinstance(value, list) else value for value in values]


def taken(column: Any, indices: Tensor) -> Any:
    """Return these values only, in this order; of what lies on disk nothing is read."""
    if isinstance(column, Stored):
        return column.take(indices)
    if isinstance(column, (Tensor, Ragged)):
        return take(column, indices)
    if hasattr(column, "iloc"):
        return column.iloc[indices.tolist()]
    if isinstance(column, np.ndarray):
        return column[indices.numpy()]
    return [column[i] for i in indices.tolist()]
