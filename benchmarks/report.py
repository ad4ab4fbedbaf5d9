"""Writing the tables of docs/performance.md from the measurements in benchmarks/results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.growth import draw, growth_table
from benchmarks.large import large_table
from benchmarks.material import REPOSITORY
from benchmarks.records import Records, Row
from benchmarks.tables import (
    bare_table,
    convolution_table,
    goal_table,
    part_table,
    peer_table,
    product_table,
    program_table,
    step_table,
    whole_table,
)

PAGE = REPOSITORY / "docs" / "performance.md"
RESULTS = REPOSITORY / "benchmarks" / "results"
PICTURE = REPOSITORY / "docs" / "scaling.png"
TABLES: Mapping[str, Callable[[Sequence[Row]], list[str]]] = {
    "goals": goal_table,
    "steps": step_table,
    "peers": peer_table,
    "programs": program_table,
    "whole": whole_table,
    "parts": part_table,
    "products": product_table,
    "convolutions": convolution_table,
    "bare": bare_table,
    "scaling": growth_table,
    "large": large_table,
}
_PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def all_records() -> list[Records]:
    """Return what every file of results holds."""
    return [Records.read(path) for path in sorted(RESULTS.glob("*.csv"))]


def rendered(page: str, records: Sequence[Records]) -> str:
    """Return the page with every table between `<!-- name -->` and `<!-- end -->` made anew."""
    rows = [row for one in records for row in one.rows]

    def part(found: re.Match[str]) -> str:
        lines = _measured_on(records) if found[2] == "machine" else TABLES[found[2]](rows)
        return found[1] + "".join(f"{line}\n" for line in lines) + found[3]

    return _PART.sub(part, page)


def write() -> Path:
    """Renew the page, and the picture where there is something to draw."""
    records = all_records()
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), records), encoding="utf-8")
    rows = [row for one in records for row in one.rows if row.kind == "scaling"]
    if rows:
        draw(rows, PICTURE)
    return PAGE


def _measured_on(records: Sequence[Records]) -> list[str]:
    """Return one sentence per machine, versions and commit."""
    lines = []
    for one in records:
        h = one.header
        kinds = ", ".join(
            dict.fromkeys(f"{row.kind} {row.case}" if row.kind == "step" else row.kind for row in one.rows)
        )
        lines.append(
            f"- {kinds}: {h['cores']} cores of {h['cpu']}, {h['memory_gb']} GB; Python {h['python']}, "
            f"torch {h['torch']}; commit {h['commit']}."
        )
    return lines
