"""Vocabularies: which n-grams count and what their numbers are, and texts as those numbers."""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, repeat
from typing import Protocol

import torch
from torch import Tensor

from dltk.config.errors import DataError, OptionError
from dltk.data.fields import Ragged
from dltk.data.texts.options import TextOptions

UNKNOWN = -1


class Numbering(Protocol):
    """Turns n-grams into numbers."""

    @property
    def size(self) -> int:
        """How many numbers there are."""

    @property
    def words(self) -> Sequence[str]:
        """What the numbers stand for, in order; empty where that is not known."""

    def look_up(self, texts: Iterable[Sequence[str]]) -> Ragged:
        """Return the n-grams of each text as int32 numbers, UNKNOWN for those that have none."""


class Vocabulary:
    """The n-grams that count, by name."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words)}

    @property
    def size(self) -> int:
        """How many words count."""
        return len(self.words)

    def look_up(self, texts: Iterable[Sequence[str]]) -> Ragged:
        """Return the n-grams of each text as numbers, UNKNOWN for those that do not count."""
        numbers: Mapping[str, int] = self._numbers
        return _packed(map(numbers.get, grams, repeat(UNKNOWN)) for grams in texts)


class Buckets:
    """Numbers by CRC-32: every n-gram has one, several may share it."""

    words: Sequence[str] = ()

    def __init__(self, size: int) -> None:
        self.size = size

    def look_up(self, texts: Iterable[Sequence[str]]) -> Ragged:
        """Return the n-grams of each text as numbers."""
        crc32, size = zlib.crc32, self.size
        return _packed((crc32(gram.encode("utf-8", "surrogatepass")) % size for gram in grams) for grams in texts)


def fit_numbering(options: TextOptions, texts: Iterable[Sequence[str]]) -> tuple[Numbering, Ragged]:
    """Choose the n-grams of the training texts that count; return them, and the texts as numbers.

    Raises:
        DataError: The training texts have no words.
        OptionError: None of them counts.
    """
    if options.hashing is not None:
        buckets = Buckets(options.hashing)
        hashed = buckets.look_up(texts)
        _refuse_wordless(hashed)
        return buckets, hashed
    grams, numbers = numbered(texts)
    _refuse_wordless(numbers)
    chosen = _chosen(options, grams, numbers)
    renumbered = torch.full((len(grams),), UNKNOWN, dtype=torch.int32)
    renumbered[chosen] = torch.arange(len(chosen), dtype=torch.int32)
    return Vocabulary([grams[i] for i in chosen.tolist()]), Ragged(renumbered[numbers.values], numbers.offsets)


def numbered(texts: Iterable[Sequence[str]]) -> tuple[list[str], Ragged]:
    """Number all n-grams as they appear; return them in that order, and each text as numbers."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    packed = _packed(map(numbers.__getitem__, grams) for grams in texts)
    return list(numbers), packed


def most_frequent(grams: Sequence[str], counts: Tensor, size: int | None, min_count: int) -> Tensor:
    """Return the positions (k,) of the at most `size` most frequent n-grams, equally frequent ones alphabetically.

    Args:
        grams: All n-grams.
        counts: (len(grams),) how often each one occurs.
        size: How many to keep; None keeps all.
        min_count: Rarer ones are left out.
    """
    limited = size is not None and size < len(grams)
    least = max(min_count, int(counts.topk(size).values[-1])) if limited and size else min_count
    frequent = (counts >= least).nonzero().flatten().tolist()
    frequencies = counts.tolist()
    chosen = sorted(frequent, key=lambda position: (-frequencies[position], grams[position]))[:size]
    return torch.tensor(chosen, dtype=torch.int64)


def distinct(texts: Ragged, size: int) -> tuple[Ragged, Tensor]:
    """Return each text's numbers once, in ascending order and without UNKNOWN, and how often each stands there.

    Args:
        texts: int32 numbers below `size`.
        size: How many numbers there are.
    """
    known = texts.values >= 0
    keys = texts.rows[known] * size + texts.values[known]
    keys, counts = torch.unique_consecutive(keys.sort().values, return_counts=True)
    lengths = torch.bincount(torch.div(keys, size, rounding_mode="floor"), minlength=len(texts))
    return Ragged((keys % size).to(torch.int32), torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])), counts


def _chosen(options: TextOptions, grams: Sequence[str], numbers: Ragged) -> Tensor:
    """Return the positions of the n-grams that count, most frequent first."""
    counts = torch.bincount(numbers.values, minlength=len(grams))
    if options.max_frequency < 1:
        words, _ = distinct(numbers, len(grams))
        having = torch.bincount(words.values, minlength=len(grams))
        counts[having > options.max_frequency * len(numbers)] = 0
        if not bool(counts.any()):
            raise OptionError("max_frequency", "every word is in a larger part of the training texts")
    chosen = most_frequent(grams, counts, options.vocabulary_size, options.min_count)
    if not len(chosen):
        raise OptionError("min_count", f"no word of the training texts occurs {options.min_count} times")
    return chosen


def _refuse_wordless(texts: Ragged) -> None:
    if not len(texts.values):
        raise DataError("the training texts have no words", found=f"{len(texts)} texts without a letter or digit")


def _packed(texts: Iterable[Iterable[int]]) -> Ragged:
    values, ends = array("i"), array("q", [0])
    for numbers in texts:
        values.extend(numbers)
        ends.append(len(values))
    flat = torch.frombuffer(values, dtype=torch.int32) if values else torch.empty(0, dtype=torch.int32)
    return Ragged(flat, torch.frombuffer(ends, dtype=torch.int64))
