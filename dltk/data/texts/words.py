"""Cutting texts: into words, characters or Korean morphemes, and runs of neighbours that count as one."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Literal
from unicodedata import normalize, unidata_version

import torch

from dltk.config.extras import load_extra

Analyzer = Literal["word", "char", "morphemes"]
WORD_PATTERN = r"[^\W_]+(?:'[^\W_]+)*"
"""Letters and digits of any script, with apostrophes inside: "don't" is one word, "_not_" is "not"."""
_find_words = re.compile(WORD_PATTERN).findall
_KIWI = ("kiwipiepy", "korean")
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


@dataclass(frozen=True)
class Cutting:
    """How texts become lists of n-grams.

    Attributes:
        analyzer: What the units are.
        lowercase: Whether capitals count as small letters.
        stop_words: Units left out, or whose list.
        shortest: How many neighbouring units count as one, at least.
        longest: At most.
    """

    analyzer: Analyzer = "word"
    lowercase: bool = True
    stop_words: Literal["none", "english"] | tuple[str, ...] = "none"
    shortest: int = 1
    longest: int = 1

    def require(self) -> None:
        """Raise Unavailable where a package is needed that is not installed; cheap."""
        if self.analyzer == "morphemes":
            load_extra(*_KIWI)

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of what decides the n-grams beside these options, by name.

        Raises:
            Unavailable: A package is needed that is not installed.
        """
        found = {"unicode": unidata_version}
        if self.analyzer == "morphemes":
            found["kiwipiepy"] = load_extra(*_KIWI).__version__
        if self.stop_words == "english":
            found["sklearn"] = importlib.import_module("sklearn").__version__
        return found

    def __call__(self, texts: Iterable[str]) -> Iterator[Sequence[str]]:
        """Yield the n-grams of each text: its units, then its pairs of neighbours, and so on.

        HTML line breaks are spaces; letters are in Unicode's composed form (NFC).

        Raises:
            Unavailable: Morphemes are asked for, and the package that finds them is not installed.
        """
        cut, left_out = _UNITS[self.analyzer], _words_left_out(self.stop_words)
        grams = _runs_of_characters if self.analyzer == "char" else _runs_of_words
        for units in cut(map(self._cleaned, texts)):
            kept = [unit for unit in units if unit not in left_out] if left_out else units
            yield kept if self.longest == 1 else grams(kept, self.shortest, self.longest)

    def _cleaned(self, text: str) -> str:
        if self.lowercase:
            text = text.lower()
        if "<" in text:
            text = _LINE_BREAK.sub(" ", text)
        return text if text.isascii() else normalize("NFC", text)


def _words(texts: Iterable[str]) -> Iterator[Sequence[str]]:
    return map(_find_words, texts)


def _characters(texts: Iterable[str]) -> Iterator[Sequence[str]]:
    """Yield each text itself, any white space being one space."""
    return (" ".join(text.split()) for text in texts)


def _morphemes(texts: Iterable[str]) -> Iterator[Sequence[str]]:
    """Yield morphemes with their part of speech, such as "영화/NNG", as Kiwi finds them."""
    for tokens in _kiwi(torch.get_num_threads()).tokenize(texts):
        yield [f"{token.form}/{token.tag}" for token in tokens]


@cache
def _kiwi(num_threads: int) -> Any:
    return load_extra(*_KIWI).Kiwi(num_workers=num_threads)


_UNITS: Mapping[Analyzer, Callable[[Iterable[str]], Iterator[Sequence[str]]]] = {
    "word": _words,
    "char": _characters,
    "morphemes": _morphemes,
}


def _words_left_out(stop_words: str | tuple[str, ...]) -> frozenset[str]:
    if stop_words == "english":  # scikit-learn takes a second to load
        english: frozenset[str] = importlib.import_module("sklearn.feature_extraction.text").ENGLISH_STOP_WORDS
        return english
    return frozenset() if isinstance(stop_words, str) else frozenset(stop_words)


def _runs_of_words(words: Sequence[str], shortest: int, longest: int) -> list[str]:
    runs = (
        words if size == 1 else map(" ".join, zip(*(words[start:] for start in range(size)), strict=False))
        for size in range(shortest, longest + 1)
    )
    return list(chain.from_iterable(runs))


def _runs_of_characters(text: Sequence[str], shortest: int, longest: int) -> list[str]:
    """Return the pieces of a text, or of a list of single characters."""
    whole = "".join(text)
    return [
        whole[start : start + size] for size in range(shortest, longest + 1) for start in range(len(whole) - size + 1)
    ]
