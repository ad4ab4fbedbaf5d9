"""From measurements to ratios, and from ratios to verdicts."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.records import Row

Quantity = Literal["seconds", "cpu_seconds", "peak_mb", "loss", "score"]


@dataclass(frozen=True)
class Ratio:
    """How much of something one needed in parts of what another needed, in rounds that both took part in.

    Attributes:
        median: Over the rounds.
        low: The smaller end of the middle half of the rounds.
        high: The larger end.
        rounds: How many there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Ratio | None:
        """Summarise the ratios of rounds; None where there are none."""
        if not values:
            return None
        low, high = quartiles(values)
        return cls(statistics.median(values), low, high, len(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g}-{self.high:.3g})"


@dataclass(frozen=True)
class Goal:
    """A ratio that is not to be exceeded.

    Attributes:
        kind: Of the rows.
        case: Likewise.
        contestant: Who is to keep it.
        against: Whom it is compared with.
        at_most: The largest ratio that meets it.
        quantity: What is compared.
        provided: Goals that have to be met, too, such as an equal score: less work never counts as speed.
    """

    kind: str
    case: str
    contestant: str
    against: str
    at_most: float
    quantity: Quantity = "seconds"
    provided: tuple[Goal, ...] = ()

    def verdict(self, ratio: Ratio | None) -> str:
        """Return "met", "missed" or "not measured"."""
        if ratio is None:
            return "not measured"
        return "met" if round(ratio.median, 3) <= self.at_most else "missed"

    def unmet(self, rows: Sequence[Row], threads: int) -> list[Goal]:
        """Return the goals that have to be met, too, and are not, on so many cores."""
        key = (self.kind, self.case, threads)
        return [
            goal
            for goal in self.provided
            if goal.verdict(paired(rows, goal.contestant, goal.against, goal.quantity).get(key)) != "met"
        ]


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the middle half."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def paired(
    rows: Sequence[Row], contestant: str, against: str, quantity: Quantity = "seconds"
) -> dict[tuple[str, str, int], Ratio]:
    """Return ratios by kind, case and threads; a round that only one of both has does not count."""
    values: dict[tuple[str, str, int], dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        value = getattr(row, quantity)
        if value is not None and row.contestant in {contestant, against}:
            values[row.kind, row.case, row.threads][row.round][row.contestant] = value
    ratios = {}
    for key, by_round in values.items():
        both = [found for found in by_round.values() if len(found) == len({contestant, against})]
        ratio = Ratio.of([found[contestant] / found[against] for found in both])
        if ratio is not None:
            ratios[key] = ratio
    return ratios


def different_work(
    rows: Sequence[Row], against: str, tolerances: Mapping[str, float], smallest: float = 0.0
) -> list[str]:
    """Return where contestants did other work than the reference in the same round, one sentence each.

    Args:
        rows: Rounds of training.
        against: The reference.
        tolerances: Largest relative difference of the losses, by contestant; those not named are not compared.
        smallest: Losses below are taken for this one.
    """
    reference = {(row.case, row.threads, row.round): row for row in rows if row.contestant == against and not row.error}
    found = []
    for row in rows:
        other = reference.get((row.case, row.threads, row.round))
        if other is None or row.error or row.contestant not in tolerances or row.loss is None or other.loss is None:
            continue
        where = f"{row.case}, {row.threads} threads, round {row.round}"
        if row.steps is not None and row.steps != other.steps:
            found.append(f"{where}: {row.contestant} made {row.steps} steps, {against} {other.steps}")
        tolerance = tolerances[row.contestant]
        if not abs(row.loss - other.loss) <= tolerance * max(abs(other.loss), smallest):
            found.append(
                f"{where}: {row.contestant} ended with loss {row.loss:.5g}, {against} with {other.loss:.5g}; "
                f"allowed is {tolerance:.0%} more or less"
            )
    return found
