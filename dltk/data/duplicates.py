"""Duplicates: samples of the val or test split whose inputs are in the training split, too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dltk.data.batches import InMemory, Stored
from dltk.data.disk.ragged import DiskField, DiskRagged
from dltk.data.disk.rows import in_chunks
from dltk.data.fields import Field, Ragged
from dltk.data.packed.cells import PackedCells, PackedTable
from dltk.data.samples import Columns
from dltk.data.specs import Image, Spec
from dltk.data.splits import Splits


@dataclass(frozen=True)
class Duplicates:
    """How many samples of a split have the very inputs of a training sample, out of how many."""

    split: str
    count: int
    num_samples: int

    def __str__(self) -> str:
        is_are = "is" if self.count == 1 else "are"
        samples = "sample" if self.num_samples == 1 else "samples"
        return f"{self.count} of {self.num_samples} {self.split} {samples} {is_are} also in the training split"


@dataclass(frozen=True)
class Fingerprints:
    """A number for each sample of a split, equal where inputs are; comparable within one process.

    Attributes:
        numbers: int64 (n,), each a hash of every byte.
        as_read: The inputs are those that were read, not what they were encoded as, which may leave something out.
    """

    numbers: Tensor
    as_read: bool


def duplicates_across(splits: Splits, parts: Mapping[str, Any]) -> list[Duplicates]:
    """Count, per split, the samples whose inputs equal those of a training sample as they were read.

    Splits without duplicates are left out, and those of which only the encoded inputs are at hand: these may be equal
    where the samples are not.
    """
    spec = splits.spec
    held = {name: batches for name, batches in (("val", splits.val), ("test", splits.test)) if batches is not None}
    train = _as_read(parts["train"], splits.train, spec) if held else None
    known = None if train is None else np.sort(train.numpy())
    found = []
    for name, batches in held.items():
        own = None if known is None else _as_read(parts[name], batches, spec)
        if known is not None and own is not None:
            count = _count_among(own.numpy(), known)
            found += [Duplicates(name, count, len(own))] if count else []
    return found


def fingerprints(samples: Any, batches: Any, spec: Spec) -> Fingerprints | None:
    """Return what tells the samples of a split apart: their inputs as read where these are at hand, else as encoded.

    Args:
        samples: The raw samples.
        batches: What they became; None is returned unless they lie in memory.
        spec: Says which inputs are images, whose raw values may be paths of files.
    """
    if not isinstance(batches, InMemory):
        return None
    numbers = _as_read(samples, batches, spec)
    if numbers is not None:
        return Fingerprints(numbers, as_read=True)
    return Fingerprints(of_fields(batches.stored_inputs()), as_read=False)


def of_fields(fields: Stored) -> Tensor:
    """Return a number for each sample, int64 (n,), that is equal where all fields are."""
    return _hashed({name: _contents(field) for name, field in fields.items()})


def _as_read(samples: Any, batches: Any, spec: Spec) -> Tensor | None:
    """Return a number for each sample, int64 (n,); None where what was read is not at hand."""
    if not isinstance(batches, InMemory) or not isinstance(samples, Columns) or len(samples) != batches.num_samples:
        return None
    raw = {name: _raw(column, spec, name) for name, column in samples.inputs.items()}
    known = {name: values for name, values in raw.items() if values is not None}
    try:
        return _hashed(known) if len(known) == len(raw) else None
    except (OSError, ValueError):  # not paths, or no longer there
        return None


def _count_among(own: NDArray[np.int64], known: NDArray[np.int64]) -> int:
    """Return how many numbers are among others, which are sorted and not empty."""
    places = np.searchsorted(known, own).clip(max=len(known) - 1)
    return int((known[places] == own).sum())


def _hashed(columns: Mapping[str, Iterable[Any]]) -> Tensor:
    """Return a number for each sample; Python's own hash is faster here than anything made of torch's operations."""
    rows = zip(*(map(hash, values) for _, values in sorted(columns.items())), strict=True)
    return torch.from_numpy(np.fromiter(map(hash, rows), np.int64))


def _raw(column: Any, spec: Spec, name: str) -> Iterable[Any] | None:
    """Return what stands for each raw value; None where it is not known what the values are."""
    if isinstance(column, PackedCells):
        return column
    if isinstance(column, PackedTable):
        return column.hashes().tolist()
    if hasattr(column, "itertuples"):
        values: Iterable[Any] = column.itertuples(index=False, name=None)
        return values
    if isinstance(column, np.ndarray) and column.dtype != object:
        return _contents(torch.from_numpy(column))
    if isinstance(column, (Tensor, Ragged, DiskField)):
        return _contents(column)
    if isinstance(column, list) and all(isinstance(value, Tensor) for value in column):
        return _contents(column)
    if isinstance(column, Sequence) and all(isinstance(value, str) for value in column):
        is_files = isinstance(spec.inputs.get(name), Image)
        return (Path(path).read_bytes() for path in column) if is_files else column
    return None


def _contents(field: Field | DiskField) -> Iterator[bytes]:
    """Yield the bytes of each sample."""
    if isinstance(field, Ragged):
        values = _bytes_of(field.values)
        yield from (values[begin:end].tobytes() for begin, end in pairwise(field.offsets.tolist()))
    elif isinstance(field, DiskRagged):
        yield from chain.from_iterable(map(_contents, field.chunks()))
    elif isinstance(field, list):
        yield from (_bytes_of(tensor[None]).tobytes() for tensor in field)
    else:
        yield from (row.tobytes() for rows in in_chunks(field) for row in _bytes_of(rows))


def _bytes_of(rows: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the bytes of each row, (n, bytes)."""
    rows = rows.detach().cpu().contiguous()
    width = math.prod(rows.shape[1:])
    return rows.view(len(rows), width).view(torch.uint8).numpy()
