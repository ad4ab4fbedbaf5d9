"""Duplicates: samples of the val or test split whose inputs are in the training split, too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from dltk.data.augment.draws import mixed
from dltk.data.batches import InMemory
from dltk.data.fields import Field, Ragged
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


def duplicates_across(splits: Splits) -> list[Duplicates]:
    """Count, per split that lies in memory, the samples whose stored inputs equal those of a training sample.

    Inputs are compared by 64 bits that stand for every byte of them; splits without duplicates are left out.
    """
    held = {"val": splits.val, "test": splits.test}
    in_memory = {name: batches for name, batches in held.items() if isinstance(batches, InMemory)}
    if not in_memory or not isinstance(splits.train, InMemory):
        return []
    known = fingerprints(splits.train)
    counts = {name: int(torch.isin(fingerprints(batches), known).sum()) for name, batches in in_memory.items()}
    return [Duplicates(name, count, in_memory[name].num_samples) for name, count in counts.items() if count]


def fingerprints(batches: InMemory) -> Tensor:
    """Return a number for each sample, int64 (n,), that is equal where all stored inputs are."""
    total: Tensor | int = 0
    for _, field in sorted(batches.stored_inputs().items()):
        total = mixed(_of_field(field) + total)
    assert isinstance(total, Tensor)
    return total


def _of_field(field: Field) -> Tensor:
    if isinstance(field, Tensor):
        return torch.cat([_of_rows(_words(rows)) for rows in torch.split(field, _CHUNK)])
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
