"""Texts as bags of words: a vocabulary fitted on the training texts, one number per word and text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import Field as Limited
from torch import Tensor

from dltk.config.errors import MAX_PROBLEMS, DataError, MissingInput, OptionError, at_most_shown, shown
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.fields import Field, Ragged
from dltk.data.samples import Columns, State
from dltk.data.specs import Classes, Spec, Vector
from dltk.data.text_files import STANDARD_INPUT, lines_of, read_text
from dltk.data.words import UNKNOWN, known_only, looked_up, most_frequent, numbered

TEXT, LABEL = "text", "label"
Encode = Literal["multi_hot", "count"]
ReadTable = Callable[[str], Columns]
_TABLE_SUFFIXES = (".csv", ".tsv", ".gz")
_SENTENCE = "I liked this one."


class TextOptions(Settings):
    """How texts become vectors, whatever files they come from."""

    vocabulary_size: PositiveInt = 10_000
    """How many of the training texts' most frequent words count; the others are ignored."""
    encode: Encode = "multi_hot"
    """What stands for a word: 1 if the text has it (multi_hot), or how often it has it (count)."""
    ngrams: Annotated[int, Limited(ge=1, le=5)] = 1
    """Up to how many neighbouring words count as one; 2 adds pairs such as "not good"."""
    min_count: PositiveInt = 1
    """Words that the training texts have less often are ignored."""


def labelled(texts: list[str], labels: Sequence[str | tuple[str, ...]], names: Sequence[str]) -> Columns:
    """Return raw samples: a text with its label, or with a tuple of labels."""
    single = all(isinstance(label, str) for label in labels)
    return Columns({TEXT: texts}, {LABEL: list(labels)}, names, stratify=LABEL if single else None)


def in_natural_order(names: set[str]) -> tuple[str, ...]:
    """Sort class names: by value where all are whole numbers, else as text."""
    whole = all(name.removeprefix("-").isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name), name)) if whole else sorted(names))


class TextPreparation:
    """A vocabulary, and the class names.

    Args:
        options: How texts become vectors.
        vocabulary: The words that count, most frequent first.
        classes: The classes that labels name.
        read_table: Reads the texts of a user's table at predict, where the data set is a table.
    """

    def __init__(
        self, options: TextOptions, vocabulary: Sequence[str], classes: Classes, read_table: ReadTable | None = None
    ) -> None:
        self._options, self._classes, self._read_table = options, classes, read_table
        self.vocabulary = tuple(vocabulary)
        self._numbers = {word: number for number, word in enumerate(self.vocabulary)}
        self._waiting: tuple[Sequence[str], Ragged] | None = None

    @classmethod
    def fit(cls, train: Columns, options: TextOptions, classes: Classes, read_table: ReadTable | None = None) -> Self:
        """Collect the vocabulary of the training texts.

        Raises:
            DataError: The training texts have no words.
        """
        texts = train.inputs[TEXT]
        grams, numbers = numbered(texts, options.ngrams)
        if not grams:
            raise DataError("the training texts have no words", found=f"{len(texts)} texts without a letter or digit")
        chosen = most_frequent(grams, numbers.values, options.vocabulary_size, options.min_count)
        if not len(chosen):
            raise OptionError("min_count", f"no word of the training texts occurs {options.min_count} times")
        preparation = cls(options, [grams[position] for position in chosen.tolist()], classes, read_table)
        renumbered = torch.full((len(grams),), UNKNOWN, dtype=torch.int32)
        renumbered[chosen] = torch.arange(len(chosen), dtype=torch.int32)
        preparation._waiting = (texts, preparation._packed(Ragged(renumbered[numbers.values], numbers.offsets)))
        return preparation

    @classmethod
    def restore(cls, state: State, read_table: ReadTable | None = None) -> Self:
        """Rebuild from `state()`."""
        classes = Classes(tuple(state["class_names"]), multi_label=bool(state["multi_label"]))
        return cls(TextOptions.parse(state["options"]), state["vocabulary"], classes, read_table)

    @property
    def spec(self) -> Spec:
        """A vector as wide as the vocabulary, and the classes."""
        return Spec({TEXT: Vector(len(self.vocabulary))}, {LABEL: self._classes})

    def state(self) -> State:
        """Return options, vocabulary and class names."""
        names = TextOptions.model_fields
        return {
            "options": {name: value for name, value in self._options.plain().items() if name in names},
            "vocabulary": list(self.vocabulary),
            "class_names": list(self._classes.names),
            "multi_label": self._classes.multi_label,
        }

    def open(self, inputs: Sequence[str]) -> Columns:
        """Read a user's texts: one per line of a .txt file or of standard input ("-"), one per *.txt file of a folder.

        Where the data set is a table, .csv and .tsv files are read as tables.

        Raises:
            MissingInput: There is no such file or folder, or a folder without texts.
            DataError: A file is no UTF-8 text, or of another kind.
        """
        texts: list[str] = []
        names: list[str] = []
        for path in inputs:
            opened = self._opened(path)
            texts += opened.inputs[TEXT]
            names += opened.names
        return Columns({TEXT: texts}, {}, names)

    def statuses(self, samples: Columns) -> Sequence[str]:
        """Return "ok", "empty" for a text without words, or "unknown_words" where the vocabulary has none of them.

        Every text is answered.
        """
        texts = samples.inputs[TEXT]
        all_words = looked_up(texts, self._options.ngrams, self._numbers)
        known = self._packed(all_words)
        self._waiting = (texts, known)
        lengths = zip(all_words.lengths.tolist(), known.lengths.tolist(), strict=True)
        return ["ok" if num_known else "unknown_words" if num_words else "empty" for num_words, num_known in lengths]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        """Turn texts, with or without labels, into batches of (B, vocabulary) float vectors.

        Raises:
            DataError: A label is none of the classes.
        """
        targets = {LABEL: self._targets(samples)} if LABEL in samples.targets else {}
        encoded = self._encoded(samples.inputs[TEXT])
        return InMemory({TEXT: encoded}, targets, loading, self._finish)

    def _encoded(self, texts: Sequence[str]) -> Ragged:
        """Return texts as numbers of known words, taking away what `fit` or `statuses` left waiting."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting[0] is texts:
            return waiting[1]
        return self._packed(looked_up(texts, self._options.ngrams, self._numbers))

    def _packed(self, texts: Ragged) -> Ragged:
        return known_only(texts, len(self.vocabulary), once=self._options.encode == "multi_hot")

    def _finish(self, fields: Mapping[str, Field]) -> Mapping[str, Field]:
        """Spread the words of each text over a vector, on the device."""
        texts, width = fields[TEXT], len(self.vocabulary)
        assert isinstance(texts, Ragged)
        cells = texts.rows * width + texts.values
        vectors = torch.zeros(len(texts) * width, device=cells.device)
        vectors.scatter_add_(0, cells, torch.ones(len(cells), device=cells.device))
        return {TEXT: vectors.view(len(texts), width)}

    def _targets(self, samples: Columns) -> Tensor:
        """Return class numbers (N,), or with several labels per text float 0/1 (N, classes)."""
        numbers = {name: number for number, name in enumerate(self._classes.names)}
        labels = [(label,) if isinstance(label, str) else label for label in samples.targets[LABEL]]
        unknown = [(i, name) for i, names in enumerate(labels) for name in names if name not in numbers]
        if unknown:
            raise DataError(
                "there are labels that no training text has",
                found=at_most_shown([f"{samples.names[i]}: {shown(name)}" for i, name in unknown]),
                expected=", ".join(map(shown, self._classes.names[:MAX_PROBLEMS])),
            )
        if not self._classes.multi_label:
            return torch.tensor([numbers[name] for (name,) in labels], dtype=torch.int64)
        targets = torch.zeros(len(labels), len(numbers))
        cells = [(i, numbers[name]) for i, names in enumerate(labels) for name in names]
        if cells:
            rows, columns = torch.tensor(cells).T
            targets[rows, columns] = 1
        return targets

    def _opened(self, path: str) -> Columns:
        place = Path(path)
        if path != STANDARD_INPUT and place.is_dir():
            return _folder(place)
        if path != STANDARD_INPUT and not place.exists():
            raise MissingInput(
                f"there is no file or folder {shown(path)}",
                where=str(place.absolute()),
                do=f'to predict a sentence, pipe it: echo "{_SENTENCE}" | dltk predict RUN -',
            )
        if place.suffix.lower() in _TABLE_SUFFIXES and self._read_table is not None:
            return self._read_table(path)
        if path != STANDARD_INPUT and place.suffix.lower() != ".txt":
            raise DataError(
                f"{shown(place.name)} is no file of texts",
                where=str(place.absolute()),
                expected="a .txt file with one text per line, a folder of .txt files, or - for standard input",
            )
        lines, name = lines_of(read_text(path)), "stdin" if path == STANDARD_INPUT else place.name
        return Columns({TEXT: lines}, {}, [f"{name}:{number}" for number in range(1, len(lines) + 1)])


def text_files(folder: Path) -> list[Path]:
    """Return the *.txt files of a folder itself, sorted by name; hidden ones do not count."""
    return sorted(
        (path for path in folder.iterdir() if path.suffix.lower() == ".txt" and not path.name.startswith(".")),
        key=lambda path: path.name,
    )


def _folder(folder: Path) -> Columns:
    files = text_files(folder)
    if not files:
        raise MissingInput(f"there is no *.txt file in {shown(folder.name)}", where=str(folder.absolute()))
    return Columns({TEXT: [read_text(str(file)) for file in files]}, {}, [file.name for file in files])
