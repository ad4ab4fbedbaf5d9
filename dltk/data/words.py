"""Words: how a text is cut, which words are the most frequent, and texts as numbers of known words."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, count, repeat
from unicodedata import normalize

import torch
from torch import Tensor

from dltk.data.fields import Ragged

WORD_PATTERN = r"[^\W_]+(?:'[^\W_]+)*"
"""Letters and digits of any script, with apostrophes inside: "don't" is one word, "_not_" is "not"."""
_find_words = re.compile(WORD_PATTERN).findall
_LINE_BREAK = re.compile(r"<br\s*/?>")
UNKNOWN = -1


def words_of(text: str) -> list[str]:
    """Cut a text into lower-case words, in Unicode's composed form (NFC); HTML line breaks are no words."""
    text = text.lower()
    if "<" in text:
        text = _LINE_BREAK.sub(" ", text)
    return _find_words(text if text.isascii() else normalize("NFC", text))


def grams_of(text: str, longest: int) -> list[str]:
    """Return the words of a text, then its pairs of neighbours joined by a space, and so on up to `longest`."""
    words = words_of(text)
    if longest == 1:
        return words
    runs = (
        map(" ".join, zip(*(words[start:] for start in range(size)), strict=False)) for size in range(2, longest + 1)
    )
    return [*words, *chain.from_iterable(runs)]


def numbered(texts: Sequence[str], longest: int) -> tuple[list[str], Ragged]:
    """Number all n-grams as they appear; return them in that order, and each text as numbers."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    values, lengths = array("i"), array("q", [0])
    for text in texts:
        grams = grams_of(text, longest)
        values.extend(map(numbers.__getitem__, grams))
        lengths.append(len(grams))
    return list(numbers), _ragged(values, lengths)


def looked_up(texts: Sequence[str], longest: int, numbers: Mapping[str, int]) -> Ragged:
    """Return each text as the numbers of its n-grams, UNKNOWN for those that have none."""
    values, lengths = array("i"), array("q", [0])
    for text in texts:
        grams = grams_of(text, longest)
        values.extend(map(numbers.get, grams, repeat(UNKNOWN)))
        lengths.append(len(grams))
    return _ragged(values, lengths)


def most_frequent(grams: Sequence[str], occurrences: Tensor, size: int, min_count: int) -> Tensor:
    """Return the positions (k,) of the at most `size` most frequent n-grams, equally frequent ones alphabetically.

    Args:
        grams: All n-grams.
        occurrences: (total,) one position in `grams` per occurrence.
        size: How many to keep.
        min_count: Rarer ones are left out.
    """
    counts = torch.bincount(occurrences, minlength=len(grams))
    least = max(min_count, int(counts.topk(size).values[-1])) if size < len(grams) else min_count
    frequent = (counts >= least).nonzero().flatten().tolist()
    frequencies = counts.tolist()
    chosen = sorted(frequent, key=lambda position: (-frequencies[position], grams[position]))[:size]
    return torch.tensor(chosen, dtype=torch.int64)


def known_only(texts: Ragged, num_words: int, *, once: bool) -> Ragged:
    """Drop UNKNOWN, and with `once` also repetitions within a text; what remains of a text is in ascending order."""
    rows, num_texts = texts.rows, len(texts)
    known = texts.values >= 0
    keys = rows[known] * num_words + texts.values[known]
    keys = torch.unique(keys) if once else keys.sort().values
    lengths = torch.bincount(torch.div(keys, num_words, rounding_mode="floor"), minlength=num_texts)
    return Ragged((keys % num_words).to(torch.int32), torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]))


def _ragged(values: array[int], lengths: array[int]) -> Ragged:
    flat = torch.frombuffer(values, dtype=torch.int32) if values else torch.empty(0, dtype=torch.int32)
    return Ragged(flat, torch.frombuffer(lengths, dtype=torch.int64).cumsum(0))
