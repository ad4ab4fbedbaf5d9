"""NSMC, 200,000 short film reviews in Korean, positive or negative, from Naver (Park 2016, github.com/e9t/nsmc)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from dltk.config.errors import DataError, shown
from dltk.config.problems import Problem
from dltk.config.sections import PathText
from dltk.config.terminal import short
from dltk.data.download import Remote
from dltk.data.files import obtain
from dltk.data.places import Sheet
from dltk.data.samples import Source
from dltk.data.specs import Classes
from dltk.data.tables.rows import of_one_width
from dltk.data.texts.columns import Open, Reading, Wanted, opened_in_place, read_columns
from dltk.data.texts.options import TextOptions
from dltk.data.texts.own import TEXT
from dltk.data.texts.preparation import LABEL, TextPreparation, expected_spec, labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dltk.data.samples import Columns, State
    from dltk.data.specs import Spec

# Address: the README of github.com/e9t/nsmc.
REMOTES = tuple(
    Remote(
        f"nsmc/{name}",
        (f"https://raw.githubusercontent.com/e9t/nsmc/master/{name}",),
        found_as=(f"nsmc/{name}", f"nsmc/{name}.gz", name, f"{name}.gz"),
    )
    for name in ("ratings_train.txt", "ratings_test.txt")
)
_HEADER = ["id", "document", "label"]
_NAMES = {"0": "negative", "1": "positive"}
_CLASSES = Classes(tuple(_NAMES.values()))
_OFFICIAL_SIZES = {"train": 150_000, "test": 50_000}


class Config(TextOptions):
    """Options of NSMC; quotes are part of the reviews, and the few empty ones count like the others."""

    root: PathText | None = None
    """Folder that holds ratings_train.txt and ratings_test.txt, also as .gz, or nsmc/ with them; default $DLTK_DATA,
    then the cache, else downloaded."""


def describe(config: Config) -> Spec:
    """Return what texts become, as wide as the vocabulary may be, and two classes."""
    _files(config)
    return expected_spec(config, _CLASSES)


def read(config: Config) -> Source:
    """Return the official training and test parts."""
    parts = {part: _part(file) for part, file in _files(config).items()}
    sizes = {part: len(samples) for part, samples in parts.items()}
    if sizes == _OFFICIAL_SIZES:
        return Source(parts)
    return Source(parts, (f"not the official 150,000 and 50,000 reviews: {sizes['train']:,} and {sizes['test']:,}",))


def count(config: Config) -> Mapping[str, int]:
    """Return how many lines follow the headers."""
    return {part: sum(1 for _ in _sheet(file, opened_in_place).plain()) - 1 for part, file in _files(config).items()}


def prepare(config: Config, train: Columns) -> TextPreparation:
    """Collect the vocabulary of the training reviews."""
    return TextPreparation.fit(train, config, _CLASSES)


def restore(config: Config, state: State) -> TextPreparation:  # noqa: ARG001
    """Rebuild the preparation."""
    return TextPreparation.restore(state)


def _files(config: Config) -> dict[str, Path]:
    return dict(zip(_OFFICIAL_SIZES, obtain("NSMC", REMOTES, config.root), strict=True))


def _part(file: Path) -> Columns:
    """Return the reviews of a file, each called by its line.

    Raises:
        DataError: The header is another one, a row has not three cells, or a label is not 0 or 1.
    """
    columns = read_columns(
        Wanted([file], (TEXT, LABEL, "line"), {"what": "reviews of NSMC"}, f"reviews of {file.name}"),
        lambda open_text: _reviews(file, open_text),
    )
    return labelled(columns.cells[TEXT], columns.cells[LABEL], columns.names("line", f"{file.name}:"))


def _sheet(file: Path, open_text: Open) -> Sheet:
    return Sheet(short(file), open_text(str(file), "utf-8").text, "\t", _HEADER)


def _reviews(file: Path, open_text: Open) -> Reading:
    """Yield the text of each review, the name of its class, and its line."""
    sheet = _sheet(file, open_text)
    rows = ((number, line.split("\t")) for number, line in enumerate(sheet.plain(), start=1))
    _, header = next(rows, (1, []))
    first = next(rows, None)
    if header != _HEADER or first is None:
        raise DataError(
            "this is no file of NSMC",
            where=f"{file}:1",
            found=shown("\t".join(header)) if header != _HEADER else "no reviews",
            expected="a header of id, document and label with tabs between, then a review per line",
        )
    wrong = []
    do = "a tab inside a review must be a space"
    for line, (_, text, label) in of_one_width(sheet, chain([first], rows), len(_HEADER), do=do):
        if label not in _NAMES:
            place = sheet.cell(line, _HEADER.index("label"))
            wrong.append(Problem(("label",), "is not 0 or 1", place, id="DLTK-DATA-LABEL", found=shown(label)))
        yield text, _NAMES.get(label, ""), str(line)
    if wrong:
        raise DataError("there are labels that are not 0 or 1", problems=wrong)
    return {}
