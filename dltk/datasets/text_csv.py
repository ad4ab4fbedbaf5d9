"""Your own texts in a table: a column of texts and a column of labels, in a csv, tsv or txt file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import not_
from pathlib import Path
from typing import Annotated

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
from dltk.data.tables.rows import Row, cells_of_any_length, quoted_rows, refuse_ragged, without_blank_lines
from dltk.data.texts.files import Encoding, encoding_notes, for_other_files, read_decoded
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


@dataclass(frozen=True)
class _Table:
    """The rows of a file, all of one width.

    Attributes:
        file: Its name.
        columns: The names of the columns; c0, c1, ... without a header.
        rows: The cells of each row.
        lines: The line, from 1, in which each row begins.
        notes: What was decided while reading, for the user.
    """

    file: str
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]
    notes: tuple[str, ...]


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
    table = _table(config, path, ("text", "label"), config.encoding)
    text, label = (_position(config, table, option) for option in ("text", "label"))
    if text == label:
        raise OptionError("label", "must be another column than the text", found=f"{shown(config.label)} for both")
    labels = [row[label].strip() for row in table.rows]
    known = [i for i, cell in enumerate(labels) if cell or config.label_separator is not None]
    if not known:
        raise DataError("no row has a label", where=path)
    separator = config.label_separator
    dropped = len(labels) - len(known)
    left_out = (f"{table.file}: {dropped} of {len(labels)} rows have no label and are left out",) if dropped else ()
    return labelled(
        [table.rows[i][text] for i in known],
        [labels[i] if separator is None else _split(labels[i], separator) for i in known],
        [f"{table.file}:{table.lines[i]}" for i in known],
        (*table.notes, *left_out),
    )


def _texts(config: Config, path: str) -> Columns:
    """Return the texts of a table that may lack labels."""
    table = _table(config, path, ("text",), for_other_files(config.encoding))
    if _name(config, "text") not in table.columns:
        raise DataError(
            "the table lacks the column of texts that the model was trained on",
            where=path,
            found=f"columns {', '.join(map(shown, table.columns))}",
            expected=shown(_name(config, "text")),
        )
    text = _position(config, table, "text")
    names = [f"{table.file}:{line}" for line in table.lines]
    return Columns({TEXT: [row[text] for row in table.rows]}, {}, names, notes=table.notes)


def _split(cell: str, separator: str) -> tuple[str, ...]:
    names = map(str.strip, cell.split(separator))
    return tuple(dict.fromkeys(name for name in names if name))


def _table(config: Config, path: str, needed: tuple[str, ...], encoding: Encoding) -> _Table:
    places = [_name(config, option) for option in ("text", "label")]
    decoded = read_decoded(path, encoding)
    with cells_of_any_length():
        separator = config.separator or _fitting(config, decoded.text, places[: len(needed)])
        sheet = Sheet.of(path, decoded.text, separator, quoting=config.quoting)
        rows = list(without_blank_lines(_rows(config, sheet), not_))
    if not rows:
        raise DataError("the table is empty", where=path)
    width = len(rows[0][1])
    do = 'put texts with a separator in "..."' if config.quoting else "see data.separator and data.quoting"
    refuse_ragged(sheet, rows, width, do=do)
    columns = _named(rows.pop(0)[1], path) if config.header else default_names(width)
    if not rows:
        raise DataError("the table has a header but no rows", where=path)
    notes = encoding_notes(path, [decoded])
    return _Table(Path(path).name, columns, [cells for _, cells in rows], [line for line, _ in rows], notes)


def _name(config: Config, option: str) -> str:
    """Return the name of the column that an option gives by name or number."""
    return name_of(getattr(config, option), option, None if config.header else ())


def _fitting(config: Config, text: str, needed: Sequence[str]) -> str:
    """Choose the first separator with which the first line has the columns."""
    lines = io.StringIO(text, newline="" if config.quoting else "\n")  # as the rows will be cut
    first = next((line for line in lines if line.strip()), "").rstrip("\r\n")
    for separator in _SEPARATORS:
        reader = csv.reader([first], delimiter=separator, skipinitialspace=True)
        cells = next(reader, []) if config.quoting else first.split(separator)
        names = [cell.strip() for cell in cells] if config.header else default_names(len(cells))
        if all(name in names for name in needed):
            return separator
    return "\t" if "\t" in first else ","


def _rows(config: Config, sheet: Sheet) -> list[Row]:
    if not config.quoting:
        lines = enumerate(sheet.plain(), start=1)
        return [(number, row.split(sheet.separator) if row else []) for number, row in lines]
    do = 'double the quotes inside "..."; where quotes are part of the text, set data.quoting to false'
    return list(quoted_rows(sheet, do=do))


def _named(header: list[str], path: str) -> list[str]:
    names = [name.strip() for name in header]
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if repeated:
        raise DataError("several columns have the same name", where=path, found=", ".join(map(shown, repeated)))
    return names


def _position(config: Config, table: _Table, option: str) -> int:
    name = _name(config, option)
    if name not in table.columns:
        raise no_such_column(option, name, table.columns, table.file)
    return table.columns.index(name)
