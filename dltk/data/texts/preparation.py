"""Labelled texts: a vocabulary fitted on the training texts, and texts as what models take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import MAX_PROBLEMS, DataError, OutOfResources, at_most_shown, shown
from dltk.data.batches import InMemory, Loading, Stored
from dltk.data.disk.ragged import DiskRagged, set_aside, stored_ragged
from dltk.data.disk.store import WantedBytes
from dltk.data.fields import Field, Ragged, concatenate
from dltk.data.files import refuse_absent
from dltk.data.packed.cells import PackedCells
from dltk.data.packed.packing import BLOCK_CHARACTERS, BLOCK_ROWS
from dltk.data.samples import Columns, State
from dltk.data.specs import Classes, Spec
from dltk.data.texts.coding import Coding, expected_input, fit_coding, restored_coding
from dltk.data.texts.options import TextOptions
from dltk.data.texts.own import HOW_TO_PIPE, TEXT, OwnFiles
from dltk.data.texts.vocabularies import Buckets, Counting, Numbering, Vocabulary

LABEL = "label"


def labelled(
    texts: Sequence[str], labels: Sequence[str | tuple[str, ...]], names: Sequence[str], notes: Sequence[str] = ()
) -> Columns:
    """Return raw samples: a text with its label, or with a tuple of labels."""
    single = all(isinstance(label, str) for label in labels)
    return Columns({TEXT: texts}, {LABEL: labels}, names, LABEL if single else None, notes=notes)


def in_natural_order(names: set[str]) -> tuple[str, ...]:
    """Sort class names: by value where all are whole numbers, else as text."""
    whole = all(name.removeprefix("-").isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name), name)) if whole else sorted(names))


def expected_spec(options: TextOptions, classes: Classes) -> Spec:
    """Return what labelled texts will be, as far as that is known before a text is read.

    Raises:
        Unavailable: Cutting them needs a package that is not installed.
    """
    options.cutting.require()
    return Spec({TEXT: expected_input(options)}, {LABEL: classes})


class TextPreparation:
    """A vocabulary, what was fitted beside it, and the class names.

    Args:
        options: How texts become numbers.
        numbering: The words that count, or the buckets that words fall into.
        coding: How numbered texts are stored and what models receive.
        classes: The classes that labels name.
        own_files: How a user's own files are read at predict.
    """

    def __init__(
        self,
        options: TextOptions,
        numbering: Numbering,
        coding: Coding,
        classes: Classes,
        *,
        own_files: OwnFiles | None = None,
    ) -> None:
        self._options, self._numbering, self._coding = options, numbering, coding
        self._classes, self._own_files = classes, own_files or OwnFiles()
        self._waiting: tuple[Sequence[str], Iterator[Ragged]] | None = None

    @classmethod
    def fit(cls, train: Columns, options: TextOptions, classes: Classes, own_files: OwnFiles | None = None) -> Self:
        """Fit on the training texts.

        Raises:
            DataError: The training texts have no words.
            OptionError: No word counts, or there are too many.
        """
        texts, counting = train.inputs[TEXT], Counting(options)
        numbered = (counting.add(options.cutting(some)) for some in _blocks(texts))
        numbers = set_aside(numbered) if isinstance(texts, PackedCells) else next(numbered)
        counted = counting.result()
        coding = fit_coding(options, counted)
        preparation = cls(options, counted.numbering, coding, classes, own_files=own_files)
        parts = numbers.chunks() if isinstance(numbers, DiskRagged) else iter([numbers])
        preparation._waiting = (texts, (coding.pack(counted.renumbered(some)) for some in parts))
        return preparation

    @classmethod
    def restore(cls, state: State, own_files: OwnFiles | None = None) -> Self:
        """Rebuild from `state()`."""
        classes = Classes(tuple(state["class_names"]), multi_label=bool(state["multi_label"]))
        options = TextOptions.parse(state["options"])
        numbering = Vocabulary(state["vocabulary"]) if options.hashing is None else Buckets(options.hashing)
        coding = restored_coding(options, numbering, state["coding"])
        return cls(options, numbering, coding, classes, own_files=own_files)

    @property
    def vocabulary(self) -> Sequence[str]:
        """The words that count, most frequent first; empty where words are hashed."""
        return self._numbering.words

    @property
    def spec(self) -> Spec:
        """What models receive, and the classes."""
        return Spec({TEXT: self._coding.modality}, {LABEL: self._classes})

    def state(self) -> State:
        """Return options, vocabulary, what was fitted beside it, and class names."""
        names = TextOptions.model_fields
        return {
            "options": {name: value for name, value in self._options.plain().items() if name in names},
            "vocabulary": list(self.vocabulary),
            "coding": self._coding.state(),
            "class_names": list(self._classes.names),
            "multi_label": self._classes.multi_label,
        }

    def open(self, inputs: Sequence[str]) -> Columns:
        """Read a user's texts: one per line of a .txt file or of standard input ("-"), one per *.txt file of a folder.

        Where the data set is a table, .csv and .tsv files are read as tables.

        Raises:
            MissingInput: There is no such file or folder, or a folder without texts.
            DataError: A file is no text in UTF-8 or the encoding of the training texts, or of another kind.
        """
        refuse_absent(inputs, HOW_TO_PIPE)
        opened = [self._own_files.open(path) for path in inputs]
        if len(opened) == 1:
            return opened[0]
        if any(samples.is_on_disk for samples in opened):
            raise OutOfResources("texts that do not fit in memory are answered one file by one", do="name one")
        texts = [text for samples in opened for text in samples.inputs[TEXT]]
        notes = [note for samples in opened for note in samples.notes]
        return Columns({TEXT: texts}, {}, [name for samples in opened for name in samples.names], notes=notes)

    def statuses(self, samples: Columns) -> Sequence[str]:
        """Return "ok", "empty" for a text without words, or "unknown_words" where the vocabulary has none of them.

        Every text is answered.
        """
        texts = samples.inputs[TEXT]
        found, numbers = list[str](), Ragged.of(())
        for some in _blocks(texts):
            numbers = self._numbers(some)
            num_known = torch.bincount(numbers.rows[numbers.values >= 0], minlength=len(some)).tolist()
            lengths = zip(numbers.lengths.tolist(), num_known, strict=True)
            found += ["ok" if known else "unknown_words" if num_words else "empty" for num_words, known in lengths]
        if not isinstance(texts, PackedCells):
            self._waiting = (texts, iter([self._coding.pack(numbers)]))
        return found

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        """Turn texts, with or without labels, into batches of vectors, sparse bags or token sequences.

        More texts of a file than a block can have go to another file.

        Raises:
            DataError: A label is none of the classes.
            WriteError: The disk is full or failed.
        """
        targets = {LABEL: self._targets(samples)} if LABEL in samples.targets else {}
        texts = samples.inputs[TEXT]
        if isinstance(texts, PackedCells) and (len(texts) > BLOCK_ROWS or texts.num_bytes > BLOCK_CHARACTERS):
            inputs: Stored = {TEXT: self._stored(texts)}
        else:
            parts = list(self._parts(texts))
            inputs = {TEXT: parts[0] if len(parts) == 1 else concatenate(parts)}
        return InMemory(inputs, targets, loading, self._finish)

    def unknown_share(self, samples: Columns) -> float:
        """Return which part of all words of some samples the vocabulary lacks."""
        num_unknown = num_words = 0
        for some in _blocks(samples.inputs[TEXT]):
            numbers = self._numbers(some).values
            num_unknown, num_words = num_unknown + int((numbers < 0).sum()), num_words + len(numbers)
        return num_unknown / num_words if num_words else 0.0

    def _numbers(self, texts: Iterable[str]) -> Ragged:
        return self._numbering.look_up(self._options.cutting(texts))

    def _parts(self, texts: Sequence[str] | PackedCells) -> Iterator[Ragged]:
        """Yield texts as they are stored, some at a time, taking away what `fit` or `statuses` left waiting."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting[0] is texts:
            yield from waiting[1]
        else:
            yield from (self._coding.pack(self._numbers(some)) for some in _blocks(texts))

    def _stored(self, texts: PackedCells) -> DiskRagged:
        """Return texts as they are stored: the entry belongs to them, to what was fitted, and to what cut them."""
        fitted = hashlib.sha256(json.dumps(self.state(), default=Tensor.tolist).encode()).hexdigest()
        cut_by = self._options.cutting.versions
        facts = {"what": "encoded texts", "texts": texts.digest(), "fitted": fitted, "cut_by": cut_by}
        shortest, longest = self._options.gram_sizes
        wanted = WantedBytes(facts, texts.num_bytes * (longest - shortest + 1), "encoded texts")
        return stored_ragged(wanted, lambda: self._parts(texts))

    def _finish(self, fields: Mapping[str, Field]) -> Mapping[str, Field]:
        texts = fields[TEXT]
        assert isinstance(texts, Ragged)
        return {TEXT: self._coding.finish(texts)}

    def _targets(self, samples: Columns) -> Tensor:
        """Return class numbers (N,), or with several labels per text float 0/1 (N, classes)."""
        numbers = {name: number for number, name in enumerate(self._classes.names)}
        labels = samples.targets[LABEL]
        unknown = [(i, name) for i, own in enumerate(map(_each, labels)) for name in own if name not in numbers]
        if unknown:
            raise DataError(
                "there are labels that no training text has",
                found=at_most_shown([f"{samples.names[i]}: {shown(name)}" for i, name in unknown]),
                expected=", ".join(map(shown, self._classes.names[:MAX_PROBLEMS])),
            )
        if not self._classes.multi_label:
            found = (numbers[name] for own in map(_each, labels) for name in own)
            return torch.from_numpy(np.fromiter(found, np.int64, len(labels)))
        targets = torch.zeros(len(labels), len(numbers))
        for row, own in zip(targets.numpy(), labels, strict=True):
            row[[numbers[name] for name in own]] = 1
        return targets


def _blocks(texts: Sequence[str] | PackedCells) -> Iterator[Sequence[str]]:
    """Yield texts in order, those of a file some at a time; an empty one is no None there."""
    yield from cast("Iterator[Sequence[str]]", texts.blocks()) if isinstance(texts, PackedCells) else [texts]


def _each(label: str | tuple[str, ...]) -> tuple[str, ...]:
    return (label,) if isinstance(label, str) else label
