"""Your own texts in a table: a column of texts and a column of labels, in a csv, tsv or txt file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import not_
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from dltk.config.errors import DataError, OptionError, shown
from dltk.config.sections import PathText
from dltk.data.files import not_there
from dltk.data.places import Sheet
from dltk.data.proposals import Proposal
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Spec
from dltk.data.tables.headers import Place, default_names, name_of
from dltk.data.tables.options import no_such_column
from dltk.data.tables.rows import Row, cells_of_any_length, of_one_width, quoted_rows, without_blank_lines
from dltk.data.texts.columns import Open, Reading, TextColumns, Wanted, read_columns
from dltk.data.texts.files import Encoding, encoding_notes, for_other_files
from dltk.data.texts.options import TextOptions
from dltk.data.texts.own import TEXT, OwnFiles
from dltk.data.texts.preparation import LABEL, TextPreparation, expected_spec, in_natural_order, labelled
from dltk.data.texts.proposing import proposed_texts_of_table

_SEPARATORS = ("\t", ",", ";", "|")
_Character = Annotated[str, Field(min_length=1, max_length=1)]


class Config(TextOptions):
    """Options of the table, and of the vectors."""

    path: PathText
    """The file with the training texts; .gz is unpacked while reading."""
    test_path: PathText | None = None
    """An official test file with the same columns."""
    val_path: PathText | None = None
    """An official validation file with the same columns."""
    text: Place = "text"
    """The column of texts: its name, or without a header its number, 0 for the first, or c0."""
    label: Annotated[Place, Field(json_schema_extra={"x-synonyms": ["target", "y"]})] = "label"
    """The column of labels: its name, or without a header its number."""
    label_separator: Annotated[str, Field(min_length=1)] | None = None
    """What stands between several labels of one text, such as "|"; an empty cell then means: none of them."""
    header: bool = True
    """Whether the first row names the columns."""
    separator: _Character | None = None
    """Between cells; default the first of tab, comma, semicolon and bar that makes both columns appear."""
    quoting: bool = True
    """Whether a cell may stand in "..." to hold separators and line breaks; false where quotes are part of the text."""
    encoding: Encoding = "utf-8"
    """How the text is encoded, such as cp949 or latin-1; of a list, the first that fits."""


def describe(config: Config) -> Spec:
    """Return what texts become, as wide as the vocabulary may be, and the labels of the whole training file."""
    for path in (config.val_path, config.test_path):
        if path is not None and not Path(path).is_file():
            raise not_there(Path(path))
    return expected_spec(config, _classes(config, _part(config, config.path)))


def read(config: Config) -> Source:
    """Return all rows that have a label; `val_path` and `test_path` are the official parts."""
    paths = {"train": config.path, "val": config.val_path, "test": config.test_path}
    parts = {name: _part(config, path) for name, path in paths.items() if path is not None}
    return Source(parts, [note for samples in parts.values() for note in samples.notes])


def count(config: Config) -> Mapping[str, int]:
    """Return how many rows have a label."""
    return {part: len(samples) for part, samples in read(config).parts.items()}


def prepare(config: Config, train: Columns) -> TextPreparation:
    """Collect vocabulary and labels of the training rows."""
    return TextPreparation.fit(train, config, _classes(config, train), _own_files(config))


def restore(config: Config, state: State) -> TextPreparation:
    """Rebuild the preparation."""
    return TextPreparation.restore(state, _own_files(config))


def propose(path: Path, target: str) -> Proposal | None:
    """Return a config for a table with a column of texts and one of labels."""
    return proposed_texts_of_table(path, target)


def _own_files(config: Config) -> OwnFiles:
    return OwnFiles(config.encoding, partial(_texts, config))


def _classes(config: Config, samples: Columns) -> Classes:
    labels = samples.targets[LABEL]
    multi_label = config.label_separator is not None
    names = {name for label in labels for name in label} if multi_label else set(labels)
    if len(names) < (1 if multi_label else 2):
        raise DataError(
            "there are too few different labels to learn from",
            where=config.path,
            found=", ".join(map(shown, names)) or "none",
            expected="at least one" if multi_label else "two or more",
        )
    return Classes(in_natural_order(names), multi_label=multi_label)


def _part(config: Config, path: str) -> Columns:
    """Return the rows of a file that have a label."""
    columns = _columns(config, path, (TEXT, LABEL), config.encoding)
    num_rows, notes, file = len(columns.cells[LABEL]), list(columns.facts["notes"]), Path(path).name
    if config.label_separator is None:
        is_known = np.fromiter(map(bool, columns.cells[LABEL]), bool, num_rows)
        if not is_known.any():
            raise DataError("no row has a label", where=path)
        if num_unknown := int((~is_known).sum()):
            columns = columns.take(torch.from_numpy(np.flatnonzero(is_known)))
            notes.append(f"{file}: {num_unknown} of {num_rows} rows have no label and are left out")
    names = columns.names("line", f"{file}:")
    return labelled(columns.cells[TEXT], _labels(config, columns.cells[LABEL]), names, notes)


def _labels(config: Config, cells: Sequence[str]) -> Sequence[str | tuple[str, ...]]:
    """Return the label of each row, or its labels; equal ones are one object, for there may be very many."""
    if config.label_separator is None:
        return cells
    found = {cell: _split(cell, config.label_separator) for cell in set(cells)}
    return [found[cell] for cell in cells]


def _texts(config: Config, path: str) -> Columns:
    """Return the texts of a table that may lack labels."""
    columns = _columns(config, path, (TEXT,), for_other_files(config.encoding))
    names = columns.names("line", f"{Path(path).name}:")
    return Columns({TEXT: columns.cells[TEXT]}, {}, names, notes=columns.facts["notes"])


def _split(cell: str, separator: str) -> tuple[str, ...]:
    names = map(str.strip, cell.split(separator))
    return tuple(dict.fromkeys(name for name in names if name))


def _columns(config: Config, path: str, needed: tuple[str, ...], encoding: Encoding) -> TextColumns:
    """Return the columns that options name, labels without outer spaces, and the "line" in which each row begins."""
    options = {name: getattr(config, name) for name in (*needed, "header", "separator", "quoting")}
    facts = {"what": "texts of a table", "encoding": encoding, "options": options}
    wanted = Wanted([Path(path)], (*needed, "line"), facts, f"texts of {Path(path).name}")
    return read_columns(wanted, lambda open_text: _rows(config, path, needed, encoding, open_text))


def _rows(config: Config, path: str, needed: tuple[str, ...], encoding: Encoding, open_text: Open) -> Reading:
    opened = open_text(path, encoding)
    with cells_of_any_length():
        separator = config.separator or _fitting(config, Sheet.of(path, opened.text), needed)
        sheet = Sheet.of(path, opened.text, separator, quoting=config.quoting)
        rows = without_blank_lines(_cut(config, sheet), not_)
        first = next(rows, None)
        if first is None:
            raise DataError("the table is empty", where=path)
        width = len(first[1])
        names = _named(first[1], path) if config.header else default_names(width)
        places = _places(config, path, needed, names)
        do = 'put texts with a separator in "..."' if config.quoting else "see data.separator and data.quoting"
        num_rows = 0
        for line, cells in of_one_width(sheet, chain([first], rows), width, do=do):
            num_rows += 1
            if num_rows > 1 or not config.header:
                yield (cells[places[0]], *(cells[place].strip() for place in places[1:]), str(line))
    if num_rows == 1 and config.header:
        raise DataError("the table has a header but no rows", where=path)
    return {"notes": encoding_notes(path, [opened])}


def _places(config: Config, path: str, needed: tuple[str, ...], columns: Sequence[str]) -> list[int]:
    """Return which cells of a row are needed."""
    names = {option: _name(config, option) for option in needed}
    if LABEL not in needed and names[TEXT] not in columns:
        raise DataError(
            "the table lacks the column of texts that the model was trained on",
            where=path,
            found=f"columns {', '.join(map(shown, columns))}",
            expected=shown(names[TEXT]),
        )
    for option, name in names.items():
        if name not in columns:
            raise no_such_column(option, name, columns, Path(path).name)
    if len(set(names.values())) < len(names):
        raise OptionError("label", "must be another column than the text", found=f"{shown(config.label)} for both")
    return [columns.index(name) for name in names.values()]


def _name(config: Config, option: str) -> str:
    """Return the name of the column that an option gives by name or number."""
    return name_of(getattr(config, option), option, None if config.header else ())


def _fitting(config: Config, sheet: Sheet, needed: Sequence[str]) -> str:
    """Choose the first separator with which the first line has the columns."""
    wanted = [_name(config, option) for option in needed]
    lines = sheet.stream() if config.quoting else sheet.plain()  # as the rows will be cut
    first = next((line for line in lines if line.strip()), "").rstrip("\r\n")
    for separator in _SEPARATORS:
        reader = csv.reader([first], delimiter=separator, skipinitialspace=True)
        cells = next(reader, []) if config.quoting else first.split(separator)
        names = [cell.strip() for cell in cells] if config.header else default_names(len(cells))
        if all(name in names for name in wanted):
            return separator
    return "\t" if "\t" in first else ","


def _cut(config: Config, sheet: Sheet) -> Iterator[Row]:
    if not config.quoting:
        lines = enumerate(sheet.plain(), start=1)
        return ((number, row.split(sheet.separator) if row else []) for number, row in lines)
    do = 'double the quotes inside "..."; where quotes are part of the text, set data.quoting to false'
    return quoted_rows(sheet, do=do)


def _named(header: list[str], path: str) -> list[str]:
    names = [name.strip() for name in header]
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if repeated:
        raise DataError("several columns have the same name", where=path, found=", ".join(map(shown, repeated)))
    return names
