"""Tables of ratios with their goals, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.bare import KIND as BARE
from benchmarks.contestants.names import CONTESTANTS, DEEP, PEERS, REFERENCE
from benchmarks.goals import FASTEST, GOALS
from benchmarks.parts import BY_HAND, KINDS
from benchmarks.ratios import Goal, Quantity, Ratio, paired
from benchmarks.records import Row

WORDS: dict[Quantity, str] = {
    "seconds": "time",
    "cpu_seconds": "processor time",
    "peak_mb": "memory",
    "loss": "loss of what is held out",
    "score": "score of what is held out",
}
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
                f"| {_verdict(goal, ratio, rows, key[2])} |"
            )
        if not found:
            left_out.append(f"| {named} | | {goal.at_most:.3g} | | | {goal.verdict(None)} |")
    return lines + left_out


def _verdict(goal: Goal, ratio: Ratio, rows: Sequence[Row], threads: int) -> str:
    """Return what is to be said of a goal that was measured."""
    unmet = goal.unmet(rows, threads)
    return f"missed: {WORDS[unmet[0].quantity]} is worse" if unmet else goal.verdict(ratio)


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
    """Return one line per part of a step, by hand and by dltk, and what it would be with the fastest products."""
    lines = [
        "| | threads | part of a step | by hand, ms of the processor | share | GFLOP/s | dltk, ms | GFLOP/s "
        "| dltk in bf16, ms | GFLOP/s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    fastest = fastest_products(rows)
    for case, threads in sorted({(row.case, row.threads) for row in rows if row.kind == BY_HAND}):
        found = {kind: _parts_of([row for row in rows if row.kind == kind], case, threads) for kind in KINDS}
        own = found[BY_HAND]
        whole = sum(one.milliseconds for one in own.values())
        for name in sorted(
            {name for one in found.values() for name in one}, key=lambda name: (-_spent(own, name), name)
        ):
            cells = [_cells(found[kind].get(name)) for kind in KINDS]
            share = f"{_spent(own, name) / whole:.2f}"
            columns = (name, cells[0][0], share, cells[0][1], *cells[1], *cells[2])
            lines.append(f"| {case} | {threads} | {' | '.join(columns)} |")
        totals = [f"{sum(one.milliseconds for one in parts.values()):.3g}" if parts else "" for parts in found.values()]
        lines.append(f"| {case} | {threads} | all | {totals[0]} | 1.00 | | {totals[1]} | | {totals[2]} | |")
        for name, speed in fastest.get(threads, {}).items():
            words = f"all, if all that is counted ran at the {speed:.0f} GFLOP/s of the fastest {name} product"
            by_hand, dltk, bf16 = (_least(parts, speed) for parts in found.values())
            share = f"{float(by_hand) / whole:.2f}"
            both = (dltk, "") if name == "float32" else ("", bf16)
            lines.append(f"| {case} | {threads} | {words} | {by_hand} | {share} | | {both[0]} | | {both[1]} | |")
    return lines


def _least(parts: Mapping[str, _Part], speed: float) -> str:
    """Return the milliseconds of a step if its products and convolutions ran at so many GFLOP/s, the rest as it is."""
    least = sum(1000 * one.gflop / speed if one.gflop else one.milliseconds for one in parts.values())
    return f"{least:.3g}" if parts else ""


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
    """Return one line per product of dense layers, with what each library makes of it."""
    return _speeds([row for row in rows if row.kind == "product"], "rows x inputs to outputs")


def convolution_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per part of a convolution, with what it is in each layout."""
    return _speeds([row for row in rows if row.kind == "convolution"], "images of channels x pixels")


def bare_table(rows: Sequence[Row]) -> list[str]:
    """Return one line per step by kernels alone, and per way to pool, beside the first of its case."""
    lines = ["| | threads | | ms of the processor | over the first |", "|---|---|---|---|---|"]
    own = [row for row in rows if row.kind == BARE]
    for case, threads in dict.fromkeys((row.case, row.threads) for row in own):
        here = [row for row in own if (row.case, row.threads) == (case, threads)]
        first, *_ = names = list(dict.fromkeys(row.contestant for row in here))
        for name in names:
            spent = statistics.median(1000 * (row.cpu_seconds or 0) for row in here if row.contestant == name)
            ratio = paired(here, name, first, "cpu_seconds")[BARE, case, threads]
            title = titled(name) if name == REFERENCE else name
            lines.append(f"| {case} | {threads} | {title} | {spent:.3g} | {ratio} |")
    return lines


def _speeds(rows: Sequence[Row], title: str) -> list[str]:
    """Return one line per case, one column per choice: GFLOP/s."""
    choices = list(dict.fromkeys(row.contestant for row in rows))
    lines = [f"| {' | '.join([title, 'threads', *choices])} |", "|---" * (len(choices) + 2) + "|"]
    for case, threads in dict.fromkeys((row.case, row.threads) for row in rows):
        own = [row for row in rows if (row.case, row.threads) == (case, threads) and row.gflop and row.seconds]
        rates = {row.contestant: f"{(row.gflop or 0) / (row.seconds or 1):.0f}" for row in own}
        lines.append(f"| {' | '.join([case, str(threads), *(rates.get(choice, '') for choice in choices)])} |")
    return lines


@dataclass(frozen=True)
class _Part:
    """A part of a step: milliseconds, and billions of multiplications and additions."""

    milliseconds: float
    gflop: float


def _parts_of(rows: Sequence[Row], case: str, threads: int) -> dict[str, _Part]:
    names = dict.fromkeys(row.contestant for row in rows if (row.case, row.threads) == (case, threads))
    return {name: _typical(rows, case, name, threads) for name in names}


def _spent(parts: Mapping[str, _Part], name: str) -> float:
    return parts[name].milliseconds if name in parts else 0.0


def _cells(part: _Part | None) -> tuple[str, str]:
    """Return milliseconds and GFLOP/s as they stand in a table."""
    if part is None:
        return "", ""
    return f"{part.milliseconds:.3g}", f"{part.gflop / part.milliseconds * 1000:.0f}" if part.gflop else ""


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
        yield f"{head} {_spelled(values)} | {ratios[0]} | {ratios[1]} | {held} |"


def _value(row: Row, *, is_per_step: bool) -> float | None:
    """Return what a row tells by itself; None where it is to tell of steps, and nobody counts them."""
    if not is_per_step:
        return row.cpu_seconds
    return 1000 * (row.seconds or 0) / row.steps if row.steps else None


def _spelled(values: Sequence[float | None]) -> str:
    found = [value for value in values if value is not None]
    return f"{statistics.median(found):.3g}" if found else ""


def _place(row: Row) -> int:
    names = [*CONTESTANTS]
    return names.index(row.contestant) if row.contestant in names else len(names)
