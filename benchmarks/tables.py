"""Tables of ratios with their goals, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.contestants.names import CONTESTANTS, PEERS, REFERENCE
from benchmarks.goals import GOALS
from benchmarks.ratios import Quantity, paired
from benchmarks.records import Row

WORDS: dict[Quantity, str] = {"seconds": "time", "cpu_seconds": "processor time", "peak_mb": "memory"}
OTHERS = {
    "typer_rich": "importing typer and rich",
    "torch_and_data": "importing torch and reading the data",
    "nothing": "python -c pass",
}


def goal_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per goal and number of threads that was measured; goals that were not come last."""
    lines = [
        "| goal | threads | at most | median (middle half), rounds | the same in processor time | |",
        "|---|---|---|---|---|---|",
    ]
    left_out = []
    for goal in GOALS:
        ratios = paired(rows, goal.contestant, goal.against, goal.quantity)
        spent = paired(rows, goal.contestant, goal.against, "cpu_seconds")
        found = {key: ratio for key, ratio in ratios.items() if key[:2] == (goal.kind, goal.case)}
        named = f"{goal.case}: {titled(goal.contestant)}, {WORDS[goal.quantity]} over {titled(goal.against)}"
        for key, ratio in sorted(found.items()):
            processor = str(spent[key]) if goal.quantity == "seconds" and key in spent else ""
            lines.append(
                f"| {named} | {key[2]} | {goal.at_most:.3g} | {ratio}, {ratio.rounds} | {processor} "
                f"| {goal.verdict(ratio)} |"
            )
        if not found:
            left_out.append(f"| {named} | | {goal.at_most:.3g} | | | {goal.verdict(None)} |")
    return lines + left_out


def step_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per workload, number of threads and contestant."""
    return _table([row for row in rows if row.kind == "step" and row.contestant not in PEERS], is_per_step=True)


def peer_table(rows: Sequence[Row]) -> list[str]:
    """Return the same for other libraries."""
    return _table(
        [row for row in rows if row.kind == "step" and row.contestant in {*PEERS, REFERENCE}], is_per_step=True
    )


def program_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per whole process."""
    return _table([row for row in rows if row.kind in {"start", "process"}], is_per_step=False)


def titled(name: str) -> str:
    """Return what people call a contestant."""
    return CONTESTANTS[name].title if name in CONTESTANTS else OTHERS.get(name, f"dltk {name}")


def _table(rows: Sequence[Row], *, is_per_step: bool) -> list[str]:
    unit = "ms per step" if is_per_step else "s, of the processor"
    lines = [
        f"| | threads | | {unit} | time over the reference | processor time | peak memory, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    groups = dict.fromkeys((row.case, row.threads) for row in rows)
    for case, threads in sorted(groups):
        own = [row for row in rows if (row.case, row.threads) == (case, threads)]
        lines += _lines(case, threads, own, is_per_step=is_per_step)
    return lines


def _lines(case: str, threads: int, rows: Sequence[Row], *, is_per_step: bool) -> Iterator[str]:
    names = dict.fromkeys(row.contestant for row in sorted(rows, key=_place))
    against = next((name for name in (REFERENCE, "typer_rich", "torch_and_data") if name in names), next(iter(names)))
    for name in names:
        own = [row for row in rows if row.contestant == name and row.seconds is not None and row.round > 0]
        head = f"| {case} | {threads} | {titled(name)} |"
        if not own:
            errors = [row.error for row in rows if row.contestant == name]
            yield f"{head} failed: {errors[-1][:160].replace('|', '/')} | | | |"
            continue
        key = (own[0].kind, case, threads)
        values = [_value(row, is_per_step=is_per_step) for row in own]
        ratios = [paired(rows, name, against, quantity).get(key) for quantity in ("seconds", "cpu_seconds")]
        memory = max(row.peak_mb or 0 for row in own)
        held = f"{memory:.0f}" if memory else ""
        yield f"{head} {statistics.median(values):.3g} | {ratios[0]} | {ratios[1]} | {held} |"


def _value(row: Row, *, is_per_step: bool) -> float:
    assert row.seconds is not None
    assert row.cpu_seconds is not None
    return 1000 * row.seconds / row.steps if is_per_step and row.steps else row.cpu_seconds


def _place(row: Row) -> int:
    names = [*CONTESTANTS]
    return names.index(row.contestant) if row.contestant in names else len(names)
