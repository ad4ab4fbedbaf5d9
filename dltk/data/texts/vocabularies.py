"""Vocabularies: which n-grams count and what their numbers are, and texts as those numbers."""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Counted:
    """What fitting needs to know of the training texts.

    Attributes:
        numbering: Of the n-grams that count.
        having: (numbering.size,) int64 how many texts have each; None where nobody asks.
        num_texts: How many texts there are.
        longest: Most n-grams of a text.
        new_numbers: int32, for each number that `Counting.add` gave that of the numbering; None where it is the same.
    """

    numbering: Numbering
    having: Tensor | None
    num_texts: int
    longest: int
    new_numbers: Tensor | None = None

    def renumbered(self, numbers: Ragged) -> Ragged:
        """Return texts that `Counting.add` returned with the numbers of the numbering."""
        return numbers if self.new_numbers is None else Ragged(self.new_numbers[numbers.values], numbers.offsets)


class Counting:
    """Counts the n-grams of training texts, some texts at a time: n-grams are held, but not where they stand.

    Args:
        options: How texts become numbers.
    """

    def __init__(self, options: TextOptions) -> None:
        self._options = options
        self._buckets = None if options.hashing is None else Buckets(options.hashing)
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._counts = self._having = torch.zeros(0, dtype=torch.int64)
        self._num_texts = self._num_grams = self._longest = 0

    def add(self, texts: Iterable[Sequence[str]]) -> Ragged:
        """Count the n-grams of more texts, and return them as numbers for now: see `Counted.renumbered`."""
        if self._buckets is not None:
            numbers, size = self._buckets.look_up(texts), self._buckets.size
        else:
            numbers = _packed(map(self._numbers.__getitem__, grams) for grams in texts)
            size = len(self._numbers)
            self._counts = _added(self._counts, numbers.values, size)
        if self._options.max_frequency < 1 or self._options.encode == "tf_idf":
            self._having = _added(self._having, distinct(numbers, size)[0].values, size)
        self._num_texts += len(numbers)
        self._num_grams += len(numbers.values)
        self._longest = max(self._longest, int(numbers.lengths.max()) if len(numbers) else 0)
        return numbers

    def result(self) -> Counted:
        """Choose the n-grams that count.

        Raises:
            DataError: The texts have no words.
            OptionError: None of them counts.
        """
        if not self._num_grams:
            raise DataError(
                "the training texts have no words", found=f"{self._num_texts} texts without a letter or digit"
            )
        having = self._having if len(self._having) else None
        if self._buckets is not None:
            return Counted(self._buckets, having, self._num_texts, self._longest)
        grams = list(self._numbers)
        chosen = self._chosen(grams)
        new_numbers = torch.full((len(grams),), UNKNOWN, dtype=torch.int32)
        new_numbers[chosen] = torch.arange(len(chosen), dtype=torch.int32)
        numbering = Vocabulary([grams[i] for i in chosen.tolist()])
        having = None if having is None else having[chosen]
        return Counted(numbering, having, self._num_texts, self._longest, new_numbers)

    def _chosen(self, grams: Sequence[str]) -> Tensor:
        """Return the positions of the n-grams that count, most frequent first."""
        options, counts = self._options, self._counts[: len(grams)]
        if options.max_frequency < 1:
            counts = counts.masked_fill(self._having[: len(grams)] > options.max_frequency * self._num_texts, 0)
            if not bool(counts.any()):
                raise OptionError("max_frequency", "every word is in a larger part of the training texts")
        chosen = most_frequent(grams, counts, options.vocabulary_size, options.min_count)
        if not len(chosen):
            raise OptionError("min_count", f"no word of the training texts occurs {options.min_count} times")
        return chosen


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


def _added(counts: Tensor, numbers: Tensor, size: int) -> Tensor:
    """Return counts, `size` or more, with those of more numbers added."""
    if not len(counts):
        return torch.bincount(numbers, minlength=size)
    if len(counts) < size:  # some more room than that, for it takes as long as all the counting
        counts = torch.cat([counts, counts.new_zeros(max(size, 2 * len(counts)) - len(counts))])
    return counts.index_add_(0, numbers, torch.ones_like(numbers, dtype=torch.int64))


def _packed(texts: Iterable[Iterable[int]]) -> Ragged:
    values, ends = array("i"), array("q", [0])
    for numbers in texts:
        values.extend(numbers)
        ends.append(len(values))
    flat = torch.frombuffer(values, dtype=torch.int32) if values else torch.empty(0, dtype=torch.int32)
    return Ragged(flat, torch.frombuffer(ends, dtype=torch.int64))
