"""Samples that lie in a file: read when they are asked for, and never kept."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dltk.config.errors import IntegrityError

CHUNK_BYTES = 1 << 22
GAP_BYTES = 1 << 12
"""What lies between two rows is read, too, where it is at most so much: a system reads whole pages anyway."""


class RowFile:
    """A file that holds one tensor, row after row.

    Reading copies: mapped memory would not stay small, for the system maps up to 2 MB around every byte touched.

    Args:
        path: It is opened here, and may be deleted afterwards, as far as the system allows.
        dtype: Of the tensor.
        shape: Of the tensor.
        descriptor: Of the file where it is open already; it is closed with this.
    """

    def __init__(self, path: Path, dtype: torch.dtype, shape: tuple[int, ...], descriptor: int | None = None) -> None:
        self.dtype, self.shape = dtype, shape
        self.bytes_per_row = torch.empty((1, *shape[1:]), dtype=dtype, device="meta").nbytes
        self._path = path
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(path, flags) if descriptor is None else descriptor
        weakref.finalize(self, os.close, self._descriptor)

    def viewed(self, dtype: torch.dtype, shape: tuple[int, ...]) -> RowFile:
        """Return the bytes, from the first on, as those of another tensor."""
        return RowFile(self._path, dtype, shape, os.dup(self._descriptor))

    def read(self, rows: Tensor) -> Tensor:
        """Return the rows of some numbers, int64 (n,).

        Raises:
            IntegrityError: The file has become shorter.
        """
        found = torch.empty((len(rows), *self.shape[1:]), dtype=self.dtype)
        content = found.view(-1).view(torch.uint8).numpy().data
        begin = 0
        for first, last, count in _runs(rows, GAP_BYTES // max(1, self.bytes_per_row)):
            end = begin + count
            if last - first + 1 == count:
                self._fill(content[begin * self.bytes_per_row : end * self.bytes_per_row], first * self.bytes_per_row)
            else:
                torch.index_select(self.between(first, last + 1), 0, rows[begin:end] - first, out=found[begin:end])
            begin = end
        return found

    def between(self, begin: int, end: int) -> Tensor:
        """Return the rows from one number up to, not with, another; raise as `read` does."""
        found = torch.empty((end - begin, *self.shape[1:]), dtype=self.dtype)
        self._fill(found.view(-1).view(torch.uint8).numpy().data, begin * self.bytes_per_row)
        return found

    def _fill(self, part: memoryview, place: int) -> None:
        while part:
            count = _read_at(self._descriptor, part, place)
            if count == 0:
                raise IntegrityError(f"{self._path.name} has become shorter", where=str(self._path))
            part, place = part[count:], place + count


@dataclass(frozen=True)
class DiskRows:
    """Some samples of a file, in an order of their own; what is read of them is an ordinary tensor.

    Attributes:
        file: Its rows are samples.
        rows: int64 (n,) which row each sample is.
    """

    file: RowFile
    rows: Tensor

    @classmethod
    def whole(cls, file: RowFile) -> DiskRows:
        """Return all rows of a file, in order."""
        return cls(file, torch.arange(file.shape[0]))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all samples together, as a tensor's."""
        return (len(self), *self.file.shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        """Of the samples."""
        return self.file.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of all samples."""
        return len(self) * self.file.bytes_per_row

    def take(self, indices: Tensor) -> DiskRows:
        """Return these samples, in this order; nothing is read."""
        return DiskRows(self.file, self.rows.index_select(0, indices.cpu()))

    def read(self, indices: Tensor) -> Tensor:
        """Return these samples, in this order, as a tensor in memory."""
        return self.file.read(self.rows.index_select(0, indices.cpu()))

    def chunks(self) -> Iterator[Tensor]:
        """Yield all samples in order, some at a time."""
        for rows in torch.split(self.rows, max(1, CHUNK_BYTES // max(1, self.file.bytes_per_row))):
            yield self.file.read(rows)


def in_chunks(samples: Tensor | DiskRows) -> Iterator[Tensor]:
    """Yield samples in order, those of a file some at a time."""
    yield from samples.chunks() if isinstance(samples, DiskRows) else [samples]


def _runs(rows: Tensor, gap: int) -> Iterator[tuple[int, int, int]]:
    """Yield (first row, last row, how many) of rows in order, at most so many apart, which are read at once."""
    steps = rows.diff()
    begins = torch.cat([torch.zeros(1, dtype=torch.int64), ((steps < 1) | (steps > gap + 1)).nonzero().flatten() + 1])
    ends = torch.cat([begins[1:], torch.tensor([len(rows)])])
    if len(rows):
        yield from zip(rows[begins].tolist(), rows[ends - 1].tolist(), (ends - begins).tolist(), strict=True)


if hasattr(os, "preadv"):

    def _read_at(descriptor: int, part: memoryview, place: int) -> int:
        return os.preadv(descriptor, [part], place)

else:

    def _read_at(descriptor: int, part: memoryview, place: int) -> int:
        os.lseek(descriptor, place, os.SEEK_SET)
        content = os.read(descriptor, len(part))
        part[: len(content)] = content
        return len(content)
