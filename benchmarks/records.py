"""What was measured, as CSV: comment lines say on which machine and from which code, then one line per measurement."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        kind: `step` for training alone, `process` for whole processes, ...; see the files of this folder.
        case: The workload, the config or the command.
        contestant: Who.
        threads: On how many cores.
        round: Rows with the same number were measured one after the other, and are compared.
        seconds: By the clock.
        cpu_seconds: That the processor spent, on all cores.
        steps: How often parameters moved.
        loss: Of training, in the end, or of samples that were held out; of whole processes a score.
        peak_mb: Most memory that was held at once, MiB.
        error: Why there is nothing of all this.
        gflop: Billions of multiplications and additions of what was timed, where they are counted.
        score: What was learned, on what was held out; large is good.
    """

    kind: str
    case: str
    contestant: str
    threads: int
    round: int
    seconds: float | None = None
    cpu_seconds: float | None = None
    steps: int | None = None
    loss: float | None = None
    peak_mb: float | None = None
    error: str = ""
    gflop: float | None = None
    score: float | None = None

    @classmethod
    def of(
        cls, case: str, contestant: str, threads: int, number: int, result: Mapping[str, Any], kind: str = "step"
    ) -> Self:
        """Return the row of a round."""
        return cls(kind, case, contestant, threads, number, **result)

    @classmethod
    def failed(cls, case: str, contestant: str, threads: int, error: str) -> Self:
        """Return the row of a contestant that could not take part."""
        return cls("step", case, contestant, threads, 0, error=error)


COLUMNS = tuple(field.name for field in fields(Row))
_WHOLE = {"threads", "round", "steps"}
_TEXT = {"kind", "case", "contestant", "error"}


@dataclass(frozen=True)
class Records:
    """Rows, and what they have in common.

    Attributes:
        header: Facts by name: machine, versions, commit, experiments.
        rows: In the order of measuring.
    """

    header: Mapping[str, str]
    rows: Sequence[Row]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            ValueError: It has other columns.
        """
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
        header = {name: value for name, _, value in (line.partition(": ") for line in comments)}
        table = csv.DictReader([line for line in lines if not line.startswith("# ")])
        if tuple(table.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path} has the columns {table.fieldnames}; expected {list(COLUMNS)}")
        return cls(header, [_row(cells) for cells in table])

    def write(self, path: Path) -> None:
        """Write a file anew."""
        text = io.StringIO()
        text.write("".join(f"# {name}: {value}\n" for name, value in self.header.items()))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(value) for value in astuple(row)] for row in self.rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.getvalue(), encoding="utf-8")

    def with_rows(self, rows: Sequence[Row]) -> Records:
        """Return these records and more rows."""
        return Records(self.header, [*self.rows, *rows])

    def next_round(self, kind: str, case: str, threads: int) -> int:
        """Return the first number that no round has."""
        numbers = [row.round for row in self.rows if (row.kind, row.case, row.threads) == (kind, case, threads)]
        return max(numbers, default=0) + 1


def differing(one: Mapping[str, str], other: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return which facts keep two files from being one, one sentence each."""
    return [f"{name} was {one.get(name)}, is {other.get(name)}" for name in names if one.get(name) != other.get(name)]


def _row(cells: Mapping[str, str]) -> Row:
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in _TEXT:
            values[name] = cell
        elif cell:
            values[name] = int(cell) if name in _WHOLE else float(cell)
    return Row(**values)


def _cell(value: object) -> object:
    """Spell a number with what a clock can tell, and an error on one line."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(value.split()) if isinstance(value, str) else value
