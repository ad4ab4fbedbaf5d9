"""What is predicted from a table: one column of classes, columns of numbers, or columns of 0/1 labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import DataError, OptionError, shown
from dltk.data.places import Rows
from dltk.data.specs import Classes, Numbers
from dltk.data.tables.columns import in_natural_order
from dltk.data.tables.numbers import Cells, number, numbers, numbers_of, wrong_cells
from dltk.data.tables.spelling import comma_hint
from dltk.data.tables.tallies import most_frequent, num_different

TargetKind = Literal["classes", "numbers", "labels"]
MAX_NUMBER_CLASSES = 20
_SEVERAL = "targets"
_MANY = 1000


@dataclass(frozen=True)
class ClassTarget:
    """One column that says which class a row belongs to."""

    column: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the target in a spec."""
        return self.column

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    @property
    def spec(self) -> Classes:
        """The class names."""
        return Classes(self.names)

    def encode(self, targets: Mapping[str, Any], rows: Rows) -> Tensor:
        """Return class numbers, int64 (N,).

        Raises:
            DataError: A row has no class, or one that no training row has.
        """
        codes: dict[str | None, int] = {name: code for code, name in enumerate(self.names)}
        cells: Cells = targets[self.column]
        found = np.fromiter((codes.get(cell, -1) for cell in cells), np.int64, len(cells))
        unknown = np.flatnonzero(found < 0).tolist()
        if unknown:
            error = wrong_cells(
                "is a class that no training row has", [(i, self.column, str(cells[i])) for i in unknown], rows
            )
            error.expected = "one of " + ", ".join(map(shown, self.names))
            error.do = "correct it; or remove the row, or add training rows of its class"
            raise error
        return torch.from_numpy(found)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_target`."""
        return {"kind": "classes", "column": self.column, "names": list(self.names)}


@dataclass(frozen=True)
class NumberTarget:
    """Columns of numbers, with the mean and deviation of the training rows."""

    columns: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def name(self) -> str:
        """The name of the target in a spec."""
        return self.columns[0] if len(self.columns) == 1 else _SEVERAL

    @property
    def spec(self) -> Numbers:
        """Names, means and scales."""
        return Numbers(self.columns, (), self.means, self.scales)

    def encode(self, targets: Mapping[str, Any], rows: Rows) -> Tensor:
        """Return the values in their own units, float32 (N, columns).

        Raises:
            DataError: A cell is no finite number.
        """
        return torch.from_numpy(_values(self.columns, targets, rows)).to(torch.float32)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_target`."""
        return {
            "kind": "numbers",
            "columns": list(self.columns),
            "means": list(self.means),
            "scales": list(self.scales),
        }


@dataclass(frozen=True)
class LabelTarget:
    """Columns of 0 and 1, each a label that a row has or not."""

    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the target in a spec."""
        return self.columns[0] if len(self.columns) == 1 else _SEVERAL

    @property
    def spec(self) -> Classes:
        """The label names."""
        return Classes(self.columns, multi_label=True)

    def encode(self, targets: Mapping[str, Any], rows: Rows) -> Tensor:
        """Return float32 0/1 (N, columns).

        Raises:
            DataError: A cell is neither 0 nor 1.
        """
        values = _values(self.columns, targets, rows)
        wrong = [
            (int(i), self.columns[j], str(targets[self.columns[j]][int(i)]))
            for i, j in np.argwhere((values != 0) & (values != 1))
        ]
        if wrong:
            raise wrong_cells("of a label is neither 0 nor 1", wrong, rows)
        return torch.from_numpy(values).to(torch.float32)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, for `restore_target`."""
        return {"kind": "labels", "columns": list(self.columns)}


TableTarget = ClassTarget | NumberTarget | LabelTarget


def fit_target(kind: TargetKind, targets: Mapping[str, Any], rows: Rows) -> TableTarget:
    """Take class names, or means and deviations, from the target columns of the training rows.

    Raises:
        DataError: A cell does not fit the kind; `rows` names it.
    """
    columns = tuple(targets)
    if kind == "classes":
        return ClassTarget(columns[0], tuple(in_natural_order(targets[columns[0]])))
    if kind == "labels":
        LabelTarget(columns).encode(targets, rows)
        return LabelTarget(columns)
    values = _values(columns, targets, rows)
    spread = np.where(values.min(axis=0) == values.max(axis=0), 1.0, values.std(axis=0))
    return NumberTarget(columns, tuple(values.mean(axis=0).tolist()), tuple(spread.tolist()))


def restore_target(state: Mapping[str, Any]) -> TableTarget:
    """Rebuild a target from its `state()`."""
    if state["kind"] == "classes":
        return ClassTarget(state["column"], tuple(state["names"]))
    if state["kind"] == "labels":
        return LabelTarget(tuple(state["columns"]))
    return NumberTarget(tuple(state["columns"]), tuple(state["means"]), tuple(state["scales"]))


def decide_kind(wanted: TargetKind | Literal["auto"], targets: Mapping[str, Any]) -> TargetKind:
    """Return what kind of target these columns (without missing cells) are.

    Left to the data, several columns are numbers; one is classes when it has text, or at most 20 different whole
    numbers that all occur twice or more; else it is numbers.

    Raises:
        OptionError: Several columns cannot be classes; or a column is neither classes nor numbers.
        DataError: All rows have the same class.
    """
    if len(targets) > 1:
        if wanted == "classes":
            raise OptionError("target_kind", "there are several targets", found="classes", allowed="numbers or labels")
        _refuse_text(targets)
        return "numbers" if wanted == "auto" else wanted
    name, cells = next(iter(targets.items()))
    kind = _kind_of(name, cells) if wanted == "auto" else wanted
    if kind == "classes" and num_different(cells) < 2:
        raise DataError(
            f"the target column {shown(name)} has only one value",
            found=shown(cells[0]) if cells else "no rows",
            expected="two classes or more",
        )
    return kind


def _refuse_text(targets: Mapping[str, Any]) -> None:
    """Refuse a column without a single number; where only some cells are none, these are what is wrong."""
    for name, cells in targets.items():
        if len(cells) and np.isnan(numbers_of(cells)).all():
            raise OptionError(
                "target",
                f"several targets are numbers or 0/1 labels; {shown(name)} is text (such as {shown(cells[0])}): "
                "a column of classes is learned alone",
            )


def _kind_of(name: str, cells: Cells) -> TargetKind:
    is_text = np.isnan(numbers_of(cells))
    counts = most_frequent(cells, MAX_NUMBER_CLASSES + 1)
    if not is_text.any():
        few = len(counts) <= MAX_NUMBER_CLASSES and min((count for _, count in counts), default=2) > 1
        whole = all(number(cell).is_integer() for cell, _ in counts)
        return "classes" if few and whole else "numbers"
    if len(counts) > MAX_NUMBER_CLASSES and num_different(cells) > len(cells) // 2:
        texts = [str(cell) for cell in islice(compress(cells, is_text), _MANY)]
        different, hashes = num_different(cells), np.fromiter(map(hash, compress(cells, is_text)), np.int64)
        num_texts = len(np.unique(hashes))
        raise OptionError(
            "target",
            f"{shown(name)} has {different} different values in {len(cells)} rows, {num_texts} of them no number "
            f"(such as {shown(texts[0])}): neither numbers nor classes; "
            f"{comma_hint(texts) or 'choose another column, or say target_kind'}",
        )
    return "classes"


def _values(columns: Sequence[str], targets: Mapping[str, Any], rows: Rows) -> np.ndarray[Any, Any]:
    values = np.stack([numbers(name, targets[name], rows) for name in columns], axis=1)
    absent = [(int(i), columns[j], "") for i, j in np.argwhere(np.isnan(values))]
    if absent:
        raise wrong_cells("of the target is missing", absent, rows)
    return values
