"""Tables of ratios with their goals, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.contestants.names import CONTESTANTS, DEEP, PEERS, REFERENCE
from benchmarks.goals import FASTEST, GOALS
from benchmarks.ratios import Quantity, paired
from benchmarks.records import Row

WORDS: dict[Quantity, str] = {"seconds": "time", "cpu_seconds": "processor time", "peak_mb": "memory"}
OTHERS = {
    "typer_rich": "importing typer and rich",
    "torch_and_data": "importing torch and reading the data",
    "nothing": "python -c pass",
    "imports_and_a_second": "importing what it needs and a second of work",
    FASTEST: "the fastest other library",
}


def goal_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per goal and number of threads that was measured; goals that were not come last."""
    lines = [
        "| goal | threads | at most | median (middle half), rounds | the same in processor time | |",
        "|---|---|---|---|---|---|",
    ]
    left_out = []
    rows = [*rows, *fastest_peers(rows)]
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


def fastest_peers(rows: Sequence[Row]) -> list[Row]:
    """Return for each round of whole processes the row of the fastest deep-learning library but dltk."""
    found: dict[tuple[str, int, int], Row] = {}
    for row in rows:
        if row.kind == "whole" and row.contestant in DEEP and row.seconds is not None:
            key = (row.case, row.threads, row.round)
            if key not in found or row.seconds < (found[key].seconds or 0):
                found[key] = replace(row, contestant=FASTEST)
    return list(found.values())


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


def whole_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per contestant of whole processes."""
    return _table([row for row in rows if row.kind == "whole"], is_per_step=False)


def part_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per part of a hand-written step, and what the step would be with the fastest products."""
    lines = [
        "| | threads | part of a step | ms, of the processor | share | GFLOP/s |",
        "|---|---|---|---|---|---|",
    ]
    own = [row for row in rows if row.kind == "part"]
    fastest = fastest_products(rows)
    for case, threads in sorted({(row.case, row.threads) for row in own}):
        found = {name: _typical(own, case, name, threads) for name in _parts_of(own, case, threads)}
        whole = sum(one.milliseconds for one in found.values())
        for name, one in sorted(found.items(), key=lambda item: -item[1].milliseconds):
            rate = f"{one.gflop / one.milliseconds * 1000:.0f}" if one.gflop else ""
            share = one.milliseconds / whole
            lines.append(f"| {case} | {threads} | {name} | {one.milliseconds:.3g} | {share:.2f} | {rate} |")
        for name, speed in fastest.get(threads, {}).items():
            work = [one for one in found.values() if one.gflop]
            least = whole - sum(one.milliseconds - 1000 * one.gflop / speed for one in work)
            words = f"all, if all that is counted ran at the {speed:.0f} GFLOP/s of the fastest {name} product"
            lines.append(f"| {case} | {threads} | {words} | {least:.3g} | {least / whole:.2f} | |")
    return lines


def fastest_products(rows: Sequence[Row]) -> dict[int, dict[str, float]]:
    """Return GFLOP/s of the fastest product by threads and number format."""
    found: dict[int, dict[str, float]] = {}
    for row in rows:
        if row.kind == "product" and row.seconds and row.gflop:
            own = found.setdefault(row.threads, {})
            name = row.contestant.partition(",")[0]
            own[name] = max(own.get(name, 0.0), row.gflop / row.seconds)
    return found


def product_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per size of a product, number format and library."""
    lines = ["| rows x inner size x columns | threads | | GFLOP/s |", "|---|---|---|---|"]
    for row in rows:
        if row.kind == "product" and row.seconds and row.gflop:
            lines.append(f"| {row.case} | {row.threads} | {row.contestant} | {row.gflop / row.seconds:.0f} |")
    return lines


@dataclass(frozen=True)
class _Part:
    """A part of a step: milliseconds, and billions of multiplications and additions."""

    milliseconds: float
    gflop: float


def _parts_of(rows: Sequence[Row], case: str, threads: int) -> list[str]:
    return list(dict.fromkeys(row.contestant for row in rows if (row.case, row.threads) == (case, threads)))


def _typical(rows: Sequence[Row], case: str, name: str, threads: int) -> _Part:
    own = [row for row in rows if (row.case, row.contestant, row.threads) == (case, name, threads) and row.steps]
    times = [1000 * (row.cpu_seconds or 0) / (row.steps or 1) for row in own]
    return _Part(statistics.median(times), max((row.gflop or 0) / (row.steps or 1) for row in own))


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
