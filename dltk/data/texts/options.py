"""How texts become numbers: the options that all data sets of texts share."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field as Limited
from pydantic import model_validator

from dltk.config.errors import OptionError, shown
from dltk.config.settings import PositiveInt, Settings
from dltk.data.texts.words import Analyzer, Cutting

MAX_IDS = 1 << 24
"""Ids from here on are not exact as float32."""
_GramSize = Annotated[int, Limited(ge=1, le=8)]
_ONLY_WITH = {"tf_idf": ("idf", "sublinear_tf"), "tokens": ("max_length", "padding", "truncation")}
_NOT_WITH_TOKENS = ("ngrams", "hashing", "sparse")
_NOT_WITH_HASHING = ("vocabulary_size", "min_count", "max_frequency")


class TextOptions(Settings):
    """How texts become vectors, sparse bags or token sequences, whatever files they come from."""

    encode: Literal["multi_hot", "count", "tf_idf", "tokens"] = "multi_hot"
    """What stands for a word: 1 if the text has it (multi_hot), how often it has it (count), how telling it is
    (tf_idf); or keep the order, an id per word (tokens)."""
    analyzer: Analyzer = "word"
    """What a text is cut into: words, characters (char), or Korean morphemes with their part of speech, which needs
    dltk[korean]."""
    lowercase: bool = True
    """Whether capitals count as small letters."""
    stop_words: Literal["none", "english"] | tuple[str, ...] = "none"
    """Words left out before neighbours are joined: a list of your own, or scikit-learn's English ones; these have
    "not" among them."""
    ngrams: _GramSize | tuple[_GramSize, _GramSize] = 1
    """Up to how many neighbours count as one; 2 adds pairs such as "not good". [2, 3] leaves single ones out."""
    vocabulary_size: PositiveInt | None = 10_000
    """How many of the training texts' most frequent words count; the others are ignored. null keeps all."""
    min_count: PositiveInt = 1
    """Words that the training texts have less often are ignored."""
    max_frequency: Annotated[float, Limited(gt=0, le=1)] = 1.0
    """Words that a larger part of the training texts has are ignored."""
    hashing: Annotated[int, Limited(ge=1, le=MAX_IDS)] | None = None
    """Spread words over so many numbers by their CRC-32 instead of a vocabulary (Weinberger et al. 2009): new words
    count, too, but words that share a number cannot be told apart, and no number can be named."""
    sparse: bool = False
    """Keep only what is not 0. Takes vocabularies of hundreds of thousands, and models that take sparse bags."""
    idf: Literal["smooth", "log10"] = "smooth"
    """smooth: counts times ln((1 + N) / (1 + n)) + 1, each text scaled to length 1, as scikit-learn does; log10: the
    share of the text's words times log10(N / n), as textbooks do. N texts, n with the word; for tf_idf."""
    sublinear_tf: bool = False
    """Take 1 + ln(count) for the count; for tf_idf."""
    max_length: PositiveInt = 200
    """Longest sequence; all get the length of the longest training text up to this; for tokens."""
    padding: Literal["start", "end"] = "start"
    """Where shorter sequences are filled up with id 0; at the start, a recurrent layer reads the text last."""
    truncation: Literal["start", "end"] = "start"
    """Where longer texts are cut off; for tokens."""

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        self._refuse_unused()
        shortest, longest = self.gram_sizes
        if shortest > longest:
            raise OptionError(
                "ngrams", "out of order", found=shown([shortest, longest]), allowed="[min, max] with min <= max"
            )
        if self.idf == "log10" and self.sublinear_tf:
            raise OptionError(
                "sublinear_tf",
                "idf: log10 takes a word's share of the text; leave sublinear_tf out",
                id="DLTK-CONFIG-CONFLICT",
            )
        return self

    def _refuse_unused(self) -> None:
        """Refuse options that would have no effect."""
        for encode, names in _ONLY_WITH.items():
            if self.encode != encode:
                self._refuse_changed(names, f"only encode: {encode} uses this; received encode: {self.encode}")
        if self.encode == "tokens":
            self._refuse_changed(_NOT_WITH_TOKENS, "encode: tokens keeps single words of a vocabulary; leave this out")
        if self.hashing is not None:
            self._refuse_changed(_NOT_WITH_HASHING, "hashing has no vocabulary; leave this out")

    def _refuse_changed(self, names: tuple[str, ...], message: str) -> None:
        for name in names:
            if getattr(self, name) != TextOptions.model_fields[name].default:
                raise OptionError(name, message)

    @property
    def gram_sizes(self) -> tuple[int, int]:
        """How many neighbours count as one, at least and at most."""
        return (1, self.ngrams) if isinstance(self.ngrams, int) else self.ngrams

    @property
    def cutting(self) -> Cutting:
        """How texts are cut."""
        return Cutting(self.analyzer, self.lowercase, self.stop_words, *self.gram_sizes)
