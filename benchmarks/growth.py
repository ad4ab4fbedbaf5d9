"""How cost grows with rows, epochs, batch size and width: exponents, checks and a picture."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from benchmarks.records import Row
from benchmarks.workloads import SCALED

mpl.use("Agg")
from matplotlib import pyplot as plt

LIMIT_OF_COST, LIMIT_OF_MEMORY = 10.5, 1.05


def medians(rows: Sequence[Row], quantity: str, field: str) -> dict[int, float]:
    """Return the median of a field by value of a quantity."""
    found = {}
    for value in SCALED[quantity]:
        own = [getattr(row, field) for row in rows if row.kind == "scaling" and row.case == f"{quantity}_{value}"]
        if own:
            found[value] = statistics.median(own)
    return found


def exponent(costs: dict[int, float]) -> float:
    """Return e of cost = c * value ** e, fitted by least squares on logarithms."""
    return float(np.polyfit(np.log(list(costs)), np.log(list(costs.values())), 1)[0])


def growth_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per quantity; goals are set for rows and epochs."""
    lines = ["| from | to | cost times | exponent | memory times | |", "|---|---|---|---|---|---|"]
    for quantity in SCALED:
        costs, memory = medians(rows, quantity, "cpu_seconds"), medians(rows, quantity, "peak_mb")
        if len(costs) < 2:
            continue
        low, high = min(costs), max(costs)
        times, held = costs[high] / costs[low], memory[high] / memory[low]
        verdict = ""
        if quantity in {"rows", "epochs"}:
            is_met = times <= LIMIT_OF_COST and (quantity == "rows" or held <= LIMIT_OF_MEMORY)
            verdict = "met" if is_met else "missed"
        lines.append(
            f"| {low:,} {quantity} | {high:,} | {times:.3g} | {exponent(costs):.2f} | {held:.3g} | {verdict} |"
        )
    return lines


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw time and memory over every quantity into a PNG file."""
    figure, axes = plt.subplots(2, len(SCALED), figsize=(4 * len(SCALED), 6.5), sharex="col", layout="constrained")
    for column, quantity in enumerate(SCALED):
        for line, (field, label) in enumerate((("cpu_seconds", "processor seconds"), ("peak_mb", "peak memory, MiB"))):
            costs = medians(rows, quantity, field)
            axis = axes[line][column]
            axis.plot(list(costs), list(costs.values()), "o-")
            axis.set_xscale("log")
            axis.set_xticks(list(costs), [f"{value:,}" for value in costs])
            axis.minorticks_off()
            if line == 0:
                axis.set_yscale("log")  # linear growth is a straight line that rises as fast as it goes right
            else:
                axis.set_ylim(0, 1.15 * max(costs.values()))
            axis.grid(visible=True, alpha=0.3)
            axis.set_ylabel(label if column == 0 else "")
        axes[0][column].set_title(f"{quantity}: exponent {exponent(medians(rows, quantity, 'cpu_seconds')):.2f}")
        axes[1][column].set_xlabel(quantity)
    figure.suptitle("Workload a, 6,000 rows, one epoch, batch 128, 512 units, but for one quantity; one core")
    figure.savefig(path, dpi=90)
    plt.close(figure)
