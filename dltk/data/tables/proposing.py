"""What to write in a config for a user's own table, after a look at its cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dltk.config.errors import OptionError, count_of, did_you_mean, listed, shown
from dltk.data.proposals import Proposal
from dltk.data.tables.dates import moment, order_of
from dltk.data.tables.looking import LookedAt, look_at
from dltk.data.tables.numbers import is_number_column, number, numbers_of
from dltk.data.tables.ratings import proposed_ratings
from dltk.data.tables.spelling import is_date
from dltk.data.tables.tallies import most_frequent, num_different
from dltk.data.tables.targets import decide_kind

_TARGET_NAMES = (
    *("target", "label", "labels", "y", "outcome", "survived", "diagnosis", "species", "churn", "medv", "price"),
    *("rating", "income", "salary", "sales", "quality", "class", "score", "value"),
)
"""What targets are called; earlier ones are rarely the name of an input."""
_NUMBERING = re.compile(r"(?i)(?:.*[_ ])?(?:id|no|nr|index|key|uuid)|번호|.*[a-z]Id|unnamed.*")
_CODE = re.compile(r"(?i).*(?:zip|postal|code|_id)$")
_MOST_CODES = 1000
_MOST_SHOWN = 4
_LONG_TEXT = 30
_SPAN = 1000
_FEW = 50
_SMALL, _LARGE = 2_000, 20_000
_UNSURE = 0.6
_FOR_TEXTS = 0.4


@dataclass
class _Choices:
    """What is written column by column."""

    options: dict[str, Any] = field(default_factory=dict)
    drop: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    comments: dict[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Column:
    """A column beside the target.

    Attributes:
        name: Of the column.
        cells: Of the rows that are looked at and have a target.
        rows: The number of each of these rows.
        whole: The cells of all rows.
    """

    name: str
    cells: Sequence[str | None]
    rows: Sequence[int]
    whole: Sequence[str | None]

    @property
    def known(self) -> list[str]:
        """The cells that are not missing."""
        return [cell for cell in self.cells if cell is not None]


def proposed_table(path: Path, target: str) -> Proposal | None:
    """Return a config that predicts one column of a table from the others; None where the file is none.

    Raises:
        OptionError: There is no such target.
        DataError: It cannot be read as a table.
    """
    table = look_at(path)
    if table is None:
        return None
    chosen, why = chosen_target(table, target)
    ratings = proposed_ratings(path, table.whole, chosen, table.options)
    if ratings is not None:
        return ratings
    rows = [i for i, cell in enumerate(table.columns[chosen]) if cell is not None]
    known = table.known(chosen)
    kind = decide_kind("auto", {chosen: known})
    goal, numbers = [str(table.columns[chosen][i]) for i in rows], [table.rows[i] for i in rows]
    choices = _Choices({"path": str(path), "target": chosen, **table.options})
    choices.comments = {("data", key): text for key, text in table.why.items()}
    choices.comments["data", "target"] = f"{why}; read as {kind}"
    texts = [
        _choose(choices, _Column(name, [cells[i] for i in rows], numbers, table.whole[name]), goal, kind)
        for name, cells in table.columns.items()
        if name != chosen
    ]
    certainty = 1.0 if not any(texts) else _FOR_TEXTS
    if not set(table.columns) - {chosen, *choices.drop, choices.options.get("id", chosen)}:
        raise OptionError(
            "target", f"no column is left to predict {shown(chosen)} from: {'; '.join(_reasons(choices.drop))}"
        )
    return Proposal(
        {"data": _data_options(choices), **_training(len(known))},
        certainty if path.suffix in {".csv", ".tsv", ".gz"} else min(certainty, _UNSURE),
        choices.comments,
        [
            f"{count_of(len(table.columns), 'column')} and {len(known):,} rows that have {shown(chosen)}",
            _spread(known, kind),
            *([table.note] if table.note else []),
        ],
    )


def chosen_target(table: LookedAt, asked: str) -> tuple[str, str]:
    """Return the column to predict and why: the one asked for, one that is called like a target, or the last.

    Raises:
        OptionError: There is no such column.
    """
    names = list(table.columns)
    if asked:
        if asked.isdecimal() and not table.has_header and int(asked) < len(names):
            return names[int(asked)], "as asked for"
        if asked not in names:
            found = f"{did_you_mean(asked, names)}; the table has {listed(names)}"
            raise OptionError("target", f"there is no column {shown(asked)}{found}")
        return asked, "as asked for"
    by_name = {name.strip().lower(): name for name in reversed(names)}
    for word in _TARGET_NAMES:
        if word in by_name:
            return by_name[word], "a guess from its name, to be changed if another column is meant"
    return names[-1], "a guess, the last column, to be changed if another one is meant"


def _choose(choices: _Choices, column: _Column, goal: Sequence[str], kind: str) -> bool:
    """Decide what becomes of a column; return whether it holds longer texts."""
    name, cells, known = column.name, column.cells, column.known
    different = len(set(known))
    is_number = bool(known) and is_number_column(list(cells))
    is_text = _is_text(known, is_number=is_number)
    reason = _useless(column, goal, kind)
    if is_text:
        choices.drop[name] = "longer texts; a data set of texts reads them: --dataset text_csv"
    elif different == len(cells) and _NUMBERING.fullmatch(name) and "id" not in choices.options:
        choices.options["id"] = name
        choices.comments["data", "id"] = "every row has its own: it names the rows in answers and is no input"
    elif reason:
        choices.drop[name] = reason
    elif "time" not in choices.options and None not in cells and order_of(cells) is not None:
        choices.options["time"] = name
        choices.comments["data", "time"] = f"{_period(cells)}: the latest rows are the test split, as when forecasting"
    elif is_number and _CODE.fullmatch(name) and different <= _MOST_CODES:
        choices.categories.append(name)
    elif is_number:
        _choose_scale(choices, name, [number(cell) for cell in known])
    return is_text


def _is_text(known: Sequence[str], *, is_number: bool) -> bool:
    """Return whether cells are longer texts, most of them different."""
    return bool(known) and not is_number and median(map(len, known)) >= _LONG_TEXT and 2 * len(set(known)) > len(known)


def _period(cells: Sequence[str | None]) -> str:
    """Return from when to when dates go, as they are written."""
    order = order_of(cells) or "year first"
    known = sorted((cell for cell in cells if cell is not None), key=lambda cell: moment(cell, order))
    return f"{known[0]} to {known[-1]}"


def _useless(column: _Column, goal: Sequence[str], kind: str) -> str:
    """Return why a column is better left out; "" where it is not."""
    cells, known = column.cells, column.known
    different = set(known)
    if len(different) < 2 and (count := num_different(column.whole)) < 2:
        return "always the same" if count else "empty"
    if all(map(is_date, known)) and order_of(cells) is None:
        return "dates in which day and month cannot be told apart; write them like 2026-11-28"
    if kind == "classes" and _repeats(cells, goal):
        return "repeats the target"
    if len(different) == len(cells) and _counts_up(known, column.rows):
        return "numbers the rows"
    is_category = not is_number_column(list(cells)) and order_of(cells) is None
    if is_category and len(different) > max(_FEW, len(known) / 2):
        return f"{len(different)} different values in {len(known)} rows tell nothing of new rows"
    return ""


def _repeats(cells: Sequence[str | None], goal: Sequence[str]) -> bool:
    """Return whether a column says the same as the target in other words."""
    pairs = set(zip(cells, goal, strict=True))
    return None not in cells and len(pairs) == len(set(cells)) == len(set(goal))


def _counts_up(known: Sequence[str], rows: Sequence[int]) -> bool:
    """Return whether each cell is the number of its row, from wherever counting begins."""
    return all(map(str.isdecimal, known)) and len({int(cell) - row for cell, row in zip(known, rows, strict=True)}) == 1


def _choose_scale(choices: _Choices, name: str, values: Sequence[float]) -> None:
    """Take the logarithm of amounts that span powers of ten."""
    if min(values) >= 0 and max(values) > _SPAN * max(median(values), 1e-9) and max(values) > _SPAN:
        choices.columns[name] = {"transform": "log1p"}


def _data_options(choices: _Choices) -> dict[str, Any]:
    options = dict(choices.options)
    if choices.drop:
        options["drop"] = list(choices.drop)
        choices.comments["data", "drop"] = "\n".join(_reasons(choices.drop))
    if choices.categories:
        options["categories"] = choices.categories
        choices.comments["data", "categories"] = "numbers that are codes"
    if choices.columns:
        options["columns"] = choices.columns
        choices.comments["data", "columns"] = "amounts that span powers of ten"
    return options


def _reasons(drop: Mapping[str, str]) -> list[str]:
    return [f"{name}: {why}" for name, why in drop.items()]


def _spread(goal: Sequence[str | None], kind: str) -> str:
    """Say what the target looks like, of which all cells are given."""
    if kind != "classes":
        values = numbers_of(goal)
        return f"the target goes from {values.min():g} to {values.max():g}, median {np.median(values):g}"
    count = num_different(goal)
    shares = [f"{shown(name)} {times / len(goal):.0%}" for name, times in most_frequent(goal, _MOST_SHOWN)]
    return f"{count} classes: {', '.join(shares)}{', ...' if count > _MOST_SHOWN else ''}"


def _training(num_rows: int) -> dict[str, dict[str, Any]]:
    """Return a model and a training that suit so many rows; of few rows there is no val split to stop by."""
    hidden = [32] if num_rows < _SMALL else [128, 64]
    epochs = 100 if num_rows < _SMALL else 40 if num_rows < _LARGE else 15
    sections: dict[str, dict[str, Any]] = {
        "model": {"name": "mlp", "hidden": hidden, "dropout": 0.2},
        "optimizer": {"name": "adamw", "lr": 2e-3},
        "train": {"epochs": epochs},
    }
    return sections | ({"early_stopping": {"patience": 10}} if num_rows >= _FEW else {})
