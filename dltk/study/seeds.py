"""The same experiment under several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltk.experiment import RunOptions, train
from dltk.study.spread import Spread, begin, parent_of


def over_seeds(
    config: str | Path | Mapping[str, Any], overrides: Sequence[str], count: int, options: RunOptions
) -> Spread:
    """Train with the seeds 0 to count - 1, into `DIR/seed-<k>`; finished ones are not trained again.

    Raises:
        DltkError: With an exit code.
        Stopped: By a signal, with a checkpoint saved.
    """
    parent, runs = parent_of(config, overrides, options), []
    for seed in range(count):
        begin(f"seed {seed} ({seed + 1} of {count})", options)
        own = replace(options, output_dir=parent / f"seed-{seed}", resume="auto")
        runs.append(train(config, [*overrides, f"seed={seed}"], own))
    return Spread("seed", [str(seed) for seed in range(count)], runs)
