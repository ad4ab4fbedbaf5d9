"""A logic gate: and, or, nand, xor, or a truth table of your own.

The training rows are the whole truth table, and the test rows are the same: no other input exists, so nothing is left
that a split could keep aside, and a score of 1 means that the gate is computed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dltk.config.errors import OptionError
from dltk.config.settings import Settings
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Classes, Column, Spec, Table
from dltk.data.tables.options import TableOptions
from dltk.data.tables.preparation import TABLE, TablePreparation, text_table
from dltk.data.tables.targets import ClassTarget

_OUTPUTS = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "nand": (1, 1, 1, 0), "xor": (0, 1, 1, 0)}
_INPUTS = ((0, 0), (0, 1), (1, 0), (1, 1))
_TARGET = ClassTarget("output", ("0", "1"))

Bit = Annotated[int, Field(ge=0, le=1)]
Row = Annotated[tuple[Bit, ...], Field(min_length=2)]


class Config(Settings):
    """Options of the gate; give exactly one."""

    gate: Literal["and", "or", "nand", "xor"] | None = None
    """A gate with the two inputs x1 and x2."""
    table: Annotated[tuple[Row, ...], Field(min_length=1)] | None = None
    """Rows of 0 and 1: the inputs x1, x2, ..., then the output, such as [[0, 0, 0], [0, 1, 1]]."""


def describe(config: Config) -> Spec:
    """Return as many columns as the gate has inputs, and the classes 0 and 1."""
    width = len(_rows(config)[0]) - 1
    return Spec({TABLE: Table(tuple(Column(name) for name in _names(width)))}, {_TARGET.name: Classes(_TARGET.names)})


def read(config: Config) -> Source:
    """Return the truth table as the training part and again as the test part."""
    *inputs, outputs = zip(*_rows(config), strict=True)
    rows = text_table(
        dict(zip(_names(len(inputs)), inputs, strict=True)), {_TARGET.name: outputs}, stratify=_TARGET.name
    )
    return Source({"train": rows, "test": rows}, ("the test rows are the training rows: a gate has no other inputs",))


def prepare(config: Config, train: Columns) -> TablePreparation:  # noqa: ARG001
    """Leave 0 and 1 as they are."""
    return TablePreparation.fit(train, _TARGET, TableOptions(scaling="none"))


def restore(config: Config, state: State) -> TablePreparation:  # noqa: ARG001
    """Rebuild a preparation."""
    return TablePreparation.restore(state)


def _names(width: int) -> list[str]:
    return [f"x{i}" for i in range(1, width + 1)]


def _rows(config: Config) -> tuple[tuple[int, ...], ...]:
    if config.gate is not None and config.table is None:
        return tuple((*inputs, output) for inputs, output in zip(_INPUTS, _OUTPUTS[config.gate], strict=True))
    if config.table is None or config.gate is not None:
        given = "both" if config.table is not None else "none"
        raise OptionError(
            "",
            "needs exactly one of gate and table",
            found=given,
            allowed="gate, such as xor, or table: rows of inputs and an output",
        )
    seen: dict[tuple[int, ...], int] = {}
    for i, row in enumerate(config.table):
        if len(row) != len(config.table[0]):
            raise OptionError(
                f"table.{i}",
                "has not as many values as the first row",
                found=str(len(row)),
                allowed=str(len(config.table[0])),
            )
        if row[:-1] in seen:
            raise OptionError(f"table.{i}", f"repeats the inputs of row {seen[row[:-1]]}; each belongs there once")
        seen[row[:-1]] = i
    return config.table
