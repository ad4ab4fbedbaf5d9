"""Tables of ratios with their goals, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.contestants.names import CONTESTANTS, REFERENCE
from benchmarks.goals import GOALS
from benchmarks.ratios import paired
from benchmarks.records import Row
from benchmarks.workloads import WORKLOADS


def step_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per workload, contestant and number of threads."""
    rows = [row for row in rows if row.kind == "step"]
    lines = [
        "| workload | threads | | ms/step | time over opt | processor time over opt | goal | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    present = {(row.case, row.threads, row.contestant): row for row in rows}
    names = [name for name in CONTESTANTS if any(row.contestant == name for row in rows)]
    times = {name: paired(rows, name, REFERENCE) for name in names}
    spent = {name: paired(rows, name, REFERENCE, "cpu_seconds") for name in names}
    for case in WORKLOADS:
        for threads in sorted({row.threads for row in rows if row.case == case}):
            for name in (name for name in names if (case, threads, name) in present):
                own = [row for row in rows if (row.case, row.threads, row.contestant) == (case, threads, name)]
                key = ("step", case, threads)
                if key not in times[name]:
                    errors = [row.error for row in own if row.error]
                    lines.append(
                        f"| {case} | {threads} | {CONTESTANTS[name].title} | {errors[-1:] or 'alone'} | | | | |"
                    )
                    continue
                goal = next((goal for goal in GOALS if (goal.case, goal.contestant) == (case, name)), None)
                limit, verdict = (f"<= {goal.at_most}", goal.verdict(times[name][key])) if goal else ("", "")
                lines.append(
                    f"| {case} | {threads} | {CONTESTANTS[name].title} | {_milliseconds(own)} | {times[name][key]} "
                    f"| {spent[name][key]} | {limit} | {verdict} |"
                )
    return lines


def _milliseconds(rows: Sequence[Row]) -> str:
    values = [1000 * row.seconds / row.steps for row in rows if row.seconds is not None and row.steps]
    return f"{statistics.median(values):.3g}"
