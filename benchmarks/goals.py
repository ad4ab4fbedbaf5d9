"""What dltk aims at: ratios on one machine, each against a contestant that does the same work."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.ratios import Goal

_DEFAULTS: Mapping[str, float] = {"a": 0.62, "b": 0.80, "c": 0.78, "d": 1.03, "e": 1.03, "f": 0.62, "e_long": 0.25}
_BF16: Mapping[str, float] = {"a": 0.47, "b": 0.80, "c": 0.50, "d": 0.65, "f": 0.72}

GOALS: tuple[Goal, ...] = (
    *(Goal("step", case, "dltk", "opt", limit) for case, limit in _DEFAULTS.items()),
    *(Goal("step", case, "dltk_bf16", "opt", limit) for case, limit in _BF16.items()),
)
