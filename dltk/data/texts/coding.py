"""Texts as what models take: vectors, sparse bags, or token sequences of one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from dltk.config.errors import OptionError
from dltk.data.fields import Field, Ragged
from dltk.data.samples import State
from dltk.data.specs import Bag, Modality, Tokens, Vector
from dltk.data.texts.options import MAX_IDS, TextOptions
from dltk.data.texts.vocabularies import Counted, Numbering, distinct

PADDING, UNKNOWN_WORD = 0, 1
RESERVED = ("<pad>", "<unk>")
"""The tokens of the ids 0 and 1; the vocabulary's words follow."""
MAX_DENSE = 100_000


class Coding(Protocol):
    """What was fitted on the training texts beside their vocabulary, and how numbered texts are stored with it."""

    @property
    def modality(self) -> Modality:
        """What models receive."""

    def pack(self, texts: Ragged) -> Ragged:
        """Return numbered texts as they are stored."""

    def finish(self, texts: Ragged) -> Field:
        """Turn the stored texts of a batch into what models take, on their device."""

    def state(self) -> State:
        """Return what was fitted."""


class BagCoding:
    """A weight per word and text: rows (total, 2) of number and weight, finished as vectors unless sparse.

    Args:
        options: Which weights.
        size: How many numbers there are.
        idf: How telling each is, (size,) float64; None where weights are counts.
    """

    def __init__(self, options: TextOptions, size: int, idf: Tensor | None) -> None:
        self._options, self._size, self._idf = options, size, idf

    @property
    def modality(self) -> Bag | Vector:
        """As wide as there are numbers."""
        return Bag(self._size) if self._options.sparse else Vector(self._size)

    def pack(self, texts: Ragged) -> Ragged:
        """Weigh the words of each text."""
        words, counts = distinct(texts, self._size)
        weights = self._weights(words, counts.double())
        return Ragged(torch.stack([words.values.float(), weights.float()], dim=1), words.offsets)

    def finish(self, texts: Ragged) -> Tensor | Ragged:
        """Leave bags as they are, or spread the words of each text over a vector, on the device."""
        if self._options.sparse:
            return texts
        cells = texts.rows * self._size + texts.values[:, 0].long()
        vectors = texts.values.new_zeros(len(texts) * self._size)
        vectors[cells] = texts.values[:, 1]
        return vectors.view(len(texts), self._size)

    def state(self) -> State:
        """Return the inverse document frequencies."""
        return {} if self._idf is None else {"idf": self._idf}

    def _weights(self, words: Ragged, counts: Tensor) -> Tensor:
        """Return the weight of each word of each text, float64."""
        if self._options.encode == "multi_hot":
            return torch.ones_like(counts)
        if self._idf is None:
            return counts
        if self._options.idf == "log10":
            return counts / _sums(words, counts)[words.rows] * self._idf[words.values]
        weights = (1 + counts.log() if self._options.sublinear_tf else counts) * self._idf[words.values]
        return weights / _sums(words, weights.square()).sqrt()[words.rows]


class SequenceCoding:
    """The words of each text in their order: ids from 2 on, 1 for unknown words, 0 where there is no text.

    Args:
        options: What is cut off and filled up, and where.
        words: The vocabulary.
        length: Of every sequence.
    """

    def __init__(self, options: TextOptions, words: Sequence[str], length: int) -> None:
        self._options, self._words, self._length = options, words, length

    @property
    def modality(self) -> Tokens:
        """Sequences of one length; the vocabulary begins with the reserved tokens."""
        return Tokens((*RESERVED, *self._words), self._length)

    def pack(self, texts: Ragged) -> Ragged:
        """Cut off what is too long."""
        lengths = texts.lengths.clamp(max=self._length)
        skipped = texts.lengths - lengths if self._options.truncation == "start" else torch.zeros_like(lengths)
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        places = torch.repeat_interleave(texts.offsets[:-1] + skipped - offsets[:-1], lengths)
        kept = texts.values[places + torch.arange(len(places))]
        return Ragged(torch.where(kept < 0, UNKNOWN_WORD, kept + len(RESERVED)).to(torch.int32), offsets)

    def finish(self, texts: Ragged) -> Tensor:
        """Fill up each sequence, on the device: (B, length) int64."""
        filled = texts.values.new_full((len(texts), self._length), PADDING, dtype=torch.int64)
        rows = texts.rows
        places = torch.arange(len(rows), device=rows.device) - texts.offsets[rows]
        if self._options.padding == "start":
            places = places + self._length - texts.lengths[rows]
        filled[rows, places] = texts.values.long()
        return filled

    def state(self) -> State:
        """Return the length."""
        return {"length": self._length}


def expected_input(options: TextOptions) -> Modality:
    """Return what models will receive, as far as that is known before a text is read."""
    size = options.hashing or options.vocabulary_size or MAX_DENSE
    if options.encode == "tokens":
        return Tokens(RESERVED, options.max_length)
    return Bag(size) if options.sparse else Vector(size)


def fit_coding(options: TextOptions, counted: Counted) -> Coding:
    """Fit on the training texts, as far as they were counted.

    Raises:
        OptionError: The vectors would be too long.
    """
    numbering = counted.numbering
    if options.encode == "tokens":
        return SequenceCoding(options, numbering.words, min(options.max_length, counted.longest))
    _refuse_too_long(options, numbering.size)
    return BagCoding(options, numbering.size, _idf(options, counted))


def restored_coding(options: TextOptions, numbering: Numbering, state: Mapping[str, Any]) -> Coding:
    """Rebuild from the coding's `state()`."""
    if options.encode == "tokens":
        return SequenceCoding(options, numbering.words, int(state["length"]))
    return BagCoding(options, numbering.size, state.get("idf"))


def _refuse_too_long(options: TextOptions, size: int) -> None:
    if size > MAX_IDS:
        raise OptionError("min_count", f"{size:,} words are more than the {MAX_IDS:,} that fit; set a larger one")
    if size > MAX_DENSE and not options.sparse:
        raise OptionError(
            "sparse",
            f"vectors of {size:,} numbers each, nearly all 0, would fill the memory; "
            f"set sparse: true, or a vocabulary_size of at most {MAX_DENSE:,}",
        )


def _idf(options: TextOptions, counted: Counted) -> Tensor | None:
    if options.encode != "tf_idf":
        return None
    assert counted.having is not None
    having = counted.having.double()
    if options.idf == "log10":
        return (counted.num_texts / having.clamp(min=1)).log10()  # buckets may be empty
    return ((1 + counted.num_texts) / (1 + having)).log() + 1


def _sums(texts: Ragged, values: Tensor) -> Tensor:
    """Return the sum of the values of each text, (n,)."""
    return values.new_zeros(len(texts)).index_add_(0, texts.rows, values)
