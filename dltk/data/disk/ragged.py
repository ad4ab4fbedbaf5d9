"""Sequences of unequal length that lie in a file, and what is done with any field that does."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from dltk.config.errors import WriteError
from dltk.data.disk.rows import CHUNK_BYTES, DiskRows, RowFile
from dltk.data.disk.store import WantedBytes, Write, store_directory, stored_bytes
from dltk.data.fields import Field, Ragged, num_bytes_of, tensors_of

_OFFSET_BYTES = 8


@dataclass(frozen=True)
class DiskRagged:
    """Some sequences of a file, in an order of their own; what is read of them is an ordinary ragged field.

    Attributes:
        file: Its rows are the values of all sequences, one after another.
        begins: int64 (n,) where each sequence begins.
        lengths: int64 (n,) how many values each has.
    """

    file: RowFile
    begins: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.begins)

    @property
    def nbytes(self) -> int:
        """Bytes of all sequences, and of what says where they are."""
        return int(self.lengths.sum()) * self.file.bytes_per_row + self.begins.nbytes + self.lengths.nbytes

    def take(self, indices: Tensor) -> DiskRagged:
        """Return these sequences, in this order; nothing is read."""
        indices = indices.cpu()
        return DiskRagged(self.file, self.begins.index_select(0, indices), self.lengths.index_select(0, indices))

    def read(self, indices: Tensor) -> Ragged:
        """Return these sequences, in this order, in memory."""
        indices = indices.cpu()
        lengths = self.lengths.index_select(0, indices)
        offsets = _offsets(lengths)
        starts = torch.repeat_interleave(self.begins.index_select(0, indices) - offsets[:-1], lengths)
        return Ragged(self.file.read(starts + torch.arange(len(starts))), offsets)

    def chunks(self) -> Iterator[Ragged]:
        """Yield all sequences in order, some at a time."""
        portions = _offsets(self.lengths)[:-1].div(
            max(1, CHUNK_BYTES // self.file.bytes_per_row), rounding_mode="floor"
        )
        _, counts = torch.unique_consecutive(portions, return_counts=True)
        for indices in torch.split(torch.arange(len(self)), counts.tolist()):
            yield self.read(indices)


DiskField: TypeAlias = DiskRows | DiskRagged
"""What is stored of all samples in a file."""


def stored_ragged(wanted: WantedBytes, parts: Callable[[], Iterator[Ragged]]) -> DiskRagged:
    """Return the sequences of an entry; see `stored_bytes`.

    Args:
        wanted: Which entry.
        parts: Yields the sequences in order, some at a time; each is one part at least.

    Raises:
        WriteError: There is no room for it, or the disk failed.
    """

    def make(write: Write) -> Mapping[str, Any]:
        ends, last = _written(write, parts())
        write(memoryview(ends).cast("B"))
        dtype, shape = str(last.dtype).removeprefix("torch."), [ends[-1], *last.shape[1:]]
        return {"dtype": dtype, "shape": shape, "samples": len(ends) - 1}

    file, facts = stored_bytes(wanted, make)
    end = file.shape[0]
    offsets = file.between(end - (facts["samples"] + 1) * _OFFSET_BYTES, end).view(torch.int64)
    values = file.viewed(getattr(torch, facts["dtype"]), tuple(facts["shape"]))
    return DiskRagged(values, offsets[:-1], offsets.diff())


def set_aside(parts: Iterator[Ragged]) -> DiskRagged:
    """Return sequences that wait in a file without a name, which is gone with them.

    Raises:
        WriteError: The disk is full or failed.
    """
    folder = store_directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            ends, last = _written(file.write, parts)
            file.flush()
            values = RowFile(folder, last.dtype, (ends[-1], *last.shape[1:]), os.dup(file.fileno()))
    except OSError as error:
        raise WriteError(f"cannot set encoded texts aside: {error.strerror}", where=str(folder)) from None
    offsets = torch.frombuffer(ends, dtype=torch.int64)
    return DiskRagged(values, offsets[:-1], offsets.diff())


def _written(write: Write, parts: Iterator[Ragged]) -> tuple[array[int], Tensor]:
    """Write the values of all sequences; return where each ends, and the last values."""
    ends, last = array("q", [0]), torch.empty(0, dtype=torch.int32)
    for part in parts:
        last = part.values
        write(_bytes_of(last))
        ends.frombytes(_bytes_of(part.offsets[1:] + ends[-1]))
    return ends, last


def room_of(field: Field | DiskField) -> int:
    """Return how many bytes a field takes, in memory or in its file."""
    return field.nbytes if isinstance(field, DiskField) else num_bytes_of(field)


def in_parts(field: Field | DiskField) -> Iterator[tuple[torch.dtype, tuple[int, ...], Iterator[Tensor]]]:
    """Yield type and shape of each tensor that a field consists of, and its rows, those of a file some at a time."""
    if isinstance(field, DiskRows):
        yield field.dtype, field.shape, field.chunks()
    elif isinstance(field, DiskRagged):
        total = int(field.lengths.sum())
        yield field.file.dtype, (total, *field.file.shape[1:]), (some.values for some in field.chunks())
        offsets = _offsets(field.lengths)
        yield offsets.dtype, tuple(offsets.shape), iter([offsets])
    else:
        for tensor in tensors_of(field):
            yield tensor.dtype, tuple(tensor.shape), iter([tensor])


def _offsets(lengths: Tensor) -> Tensor:
    return torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])


def _bytes_of(values: Tensor) -> memoryview:
    content: memoryview = values.contiguous().view(-1).view(torch.uint8).numpy().data
    return content
