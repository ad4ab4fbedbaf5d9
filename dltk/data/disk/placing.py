"""Memory or disk: where decoded samples lie, decided by what they need and what there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from dltk.config.errors import MissingInput, OptionError, OutOfResources
from dltk.config.sections import DataOptions
from dltk.data.disk.choosing import reading_to
from dltk.data.disk.rows import CHUNK_BYTES, DiskRows
from dltk.data.disk.store import WantedRows, sources_of, stored
from dltk.data.resources import available_bytes
from dltk.data.samples import Columns, Decoder, Source
from dltk.data.transfer import spelled

SHARE_OF_MEMORY = 0.5
"""Decoded samples may take this part of the memory that is available when they are read."""


def read_placed(file: Any, config: Any, options: DataOptions) -> tuple[Source, DataOptions]:
    """Return what a data set reads, where it is to lie, and the options with that decided; raise as `place` does.

    Tables and texts decide by themselves, by the same rule, for reading them is what takes the memory.
    """
    with reading_to(options.storage):
        source: Source = file.read(config)
    return place(source, options)


def place(source: Source, options: DataOptions) -> tuple[Source, DataOptions]:
    """Return the samples where they are to lie, and the options with that decided.

    In memory, they stay as they were read, and are decoded when they are needed. On disk, inputs that have a decoder
    are decoded at once and become `DiskRows`, in memory a part at a time.

    Raises:
        OptionError: Disk is wanted for samples without a decoder.
        OutOfResources: Memory is wanted, and there is not so much.
        DataError: A file cannot be decoded.
        WriteError: The disk is full or failed.
    """
    if any(isinstance(part, Columns) and part.is_on_disk for part in source.parts.values()):
        return source, options.model_copy(update={"storage": "disk"})
    needed, wanted = bytes_needed(source), options.storage
    if wanted == "disk" and needed is None:
        raise OptionError("storage", "these samples are read at once, whatever they need; leave it out")
    if wanted == "auto":
        wanted = "disk" if needed is not None and not _fits(needed) else "memory"
    options = options.model_copy(update={"storage": wanted})
    if wanted == "memory":
        _refuse_impossible(needed)
        return source, options
    parts = {name: _on_disk(part, source.decoders) for name, part in source.parts.items()}
    return replace(source, parts=parts), options


def bytes_needed(source: Source) -> int | None:
    """Return what the decoded inputs take; None where there is nothing to decode."""
    if not source.decoders:
        return None
    per_sample = sum(_bytes_per_sample(decoder) for decoder in source.decoders.values())
    return sum(len(part) for part in source.parts.values()) * per_sample


def _fits(needed: int) -> bool:
    available = available_bytes()
    return available is None or needed <= SHARE_OF_MEMORY * available


def _refuse_impossible(needed: int | None) -> None:
    available = available_bytes()
    if needed is not None and available is not None and needed > available:
        raise OutOfResources(
            "the decoded samples do not fit in memory",
            found=f"{spelled(available)} available",
            expected=spelled(needed),
            do="leave data.storage out, set it to disk, or choose a smaller data.size",
        )


def _on_disk(part: Columns, decoders: Mapping[str, Decoder]) -> Columns:
    columns = {name: _from_store(part.inputs[name], decoder) for name, decoder in decoders.items()}
    return replace(part, inputs={**part.inputs, **columns})


def _from_store(paths: Sequence[str], decoder: Decoder) -> DiskRows:
    try:
        sources = sources_of(paths)
    except OSError as error:
        raise MissingInput(f"a file is not there any more: {error.strerror}", where=str(error.filename)) from None
    wanted = WantedRows({**decoder.facts(), "sources": sources}, decoder.dtype, (len(paths), *decoder.shape))
    return stored(wanted, lambda: _decoded(paths, decoder))


def _decoded(paths: Sequence[str], decoder: Decoder) -> Iterator[Tensor]:
    """Yield the rows of some files at a time; once one is broken, only look for others that are."""
    broken: dict[str, str] = {}
    step = max(1, CHUNK_BYTES // _bytes_per_sample(decoder))
    for start in range(0, len(paths), step):
        found: Sequence[Any] = decoder.decode(paths[start : start + step])
        broken |= {paths[i]: str(row) for i, row in enumerate(found, start) if not isinstance(row, Tensor)}
        if not broken:
            yield torch.stack(list(found))
    if broken:
        raise decoder.unreadable(broken, len(paths))


def _bytes_per_sample(decoder: Decoder) -> int:
    return prod(decoder.shape) * decoder.dtype.itemsize
