"""Duplicates: samples of the val or test split whose inputs are in the training split, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from dltk.data.augment.draws import mixed
from dltk.data.batches import InMemory, Stored
from dltk.data.disk.rows import DiskRows, in_chunks
from dltk.data.fields import Field, Ragged
from dltk.data.samples import Columns
from dltk.data.specs import Image, Spec
from dltk.data.splits import Splits

_CHUNK = 2048


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
        numbers: int64 (n,), of 64 bits that stand for every byte.
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
    known = fingerprints(parts["train"], splits.train, spec) if held else None
    found = []
    for name, batches in held.items():
        own = fingerprints(parts[name], batches, spec)
        if known is not None and own is not None and known.as_read and own.as_read:
            count = int(torch.isin(own.numbers, known.numbers).sum())
            found += [Duplicates(name, count, len(own.numbers))] if count else []
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
    if isinstance(samples, Columns) and len(samples) == batches.num_samples:
        raw = {name: _of_raw(column, spec, name) for name, column in samples.inputs.items()}
        known = {name: numbers for name, numbers in raw.items() if numbers is not None}
        if len(known) == len(raw):
            return Fingerprints(_combined(known), as_read=True)
    return Fingerprints(of_fields(batches.stored_inputs()), as_read=False)


def of_fields(fields: Stored) -> Tensor:
    """Return a number for each sample, int64 (n,), that is equal where all fields are."""
    return _combined({name: _of_field(field).cpu() for name, field in fields.items()})


def _combined(numbers: Mapping[str, Tensor]) -> Tensor:
    total: Tensor | int = 0
    for _, one in sorted(numbers.items()):
        total = mixed(one + total)
    assert isinstance(total, Tensor)
    return total


def _of_raw(column: Any, spec: Spec, name: str) -> Tensor | None:
    """Return a number for each raw value; None where it is not known what the values are."""
    if hasattr(column, "itertuples"):
        return _hashed(column.itertuples(index=False, name=None))
    if isinstance(column, np.ndarray) and column.dtype != object:
        return _of_field(torch.from_numpy(column))
    if isinstance(column, (Tensor, Ragged, DiskRows)):
        return _of_field(column)
    if isinstance(column, list) and all(isinstance(value, Tensor) for value in column):
        return _of_field(column)
    if isinstance(column, Sequence) and all(isinstance(value, str) for value in column):
        return _of_files(column) if isinstance(spec.inputs.get(name), Image) else _hashed(column)
    return None


def _of_files(paths: Iterable[str]) -> Tensor | None:
    try:
        return _hashed(Path(path).read_bytes() for path in paths)
    except (OSError, ValueError):  # not paths, or no longer there
        return None


def _hashed(values: Iterable[Any]) -> Tensor:
    return torch.tensor(list(map(hash, values)), dtype=torch.int64)


def _of_field(field: Field | DiskRows) -> Tensor:
    if isinstance(field, (Tensor, DiskRows)):
        return torch.cat([_of_rows(_words(rows)) for some in in_chunks(field) for rows in torch.split(some, _CHUNK)])
    if isinstance(field, Ragged):
        return _of_sequences(field)
    return torch.cat([_of_rows(_words(tensor[None])) for tensor in field])


def _words(rows: Tensor) -> Tensor:
    """Return the bytes of each row as int64 (n, words); the last word is filled up with zeros."""
    flat = rows.contiguous().view(len(rows), -1).view(torch.uint8)
    return pad(flat, (0, -flat.shape[1] % 8)).contiguous().view(torch.int64)


def _of_rows(words: Tensor) -> Tensor:
    return mixed(words + _steps(words.shape[1], words.device)).sum(1)


def _of_sequences(field: Ragged) -> Tensor:
    """Sum over each sequence, so that neither its order nor its length is lost."""
    words = _of_rows(_words(field.values))
    places = torch.arange(len(words), device=words.device) - field.offsets[:-1][field.rows]
    return field.lengths.index_add(0, field.rows, mixed(words + mixed(places + 1)))


def _steps(count: int, device: torch.device) -> Tensor:
    return mixed(torch.arange(1, count + 1, device=device))
