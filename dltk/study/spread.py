"""Several runs of one experiment: where they go, and the mean and spread of their scores."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltk.config.terminal import short
from dltk.experiment import Run, RunOptions
from dltk.experiment.config import read_experiment
from dltk.training.loggers import Screen, number, table
from dltk.training.runs.rundir import RunDir


@dataclass(frozen=True)
class Spread:
    """Several runs of one experiment.

    Attributes:
        what: What differs between them, e.g. "seed" or "fold".
        runs: In order of `labels`.
        labels: Which seed or fold each run is.
    """

    what: str
    labels: Sequence[str]
    runs: Sequence[Run]

    def values(self) -> dict[str, list[float]]:
        """Return each score's values over the runs; undefined ones are NaN."""
        names = dict.fromkeys(name for run in self.runs for name in run.scores)
        return {name: [_float(run.scores.get(name)) for run in self.runs] for name in names}

    def as_json(self) -> dict[str, Any]:
        """Return runs, means and standard deviations for `--json`; what is undefined is NaN."""
        scores = {
            name: {"mean": _mean(values), "sd": _deviation(values), "values": values}
            for name, values in self.values().items()
        }
        runs = [str(run.path) for run in self.runs]
        seconds = round(sum(float(run.status.get("seconds", 0)) for run in self.runs), 1)
        return {"runs": runs, "status": "completed", "scores": scores, "seconds": seconds}

    def lines(self) -> list[str]:
        """Return a table: one row per run, then mean and sample standard deviation; and where the runs are."""
        values = self.values()
        rows = [
            [self.what, *values],
            *([label, *(number(column[i]) for column in values.values())] for i, label in enumerate(self.labels)),
        ]
        rows.append(["mean", *(number(_mean(column)) for column in values.values())])
        rows.append(["sd", *(number(_deviation(column)) for column in values.values())])
        return [*table(rows), f"runs: {short(self.runs[0].path.parent)}"]


def parent_of(config: str | Path | Mapping[str, Any], overrides: Sequence[str], options: RunOptions) -> Path:
    """Return the directory that gets one run each: the one that was asked for, or a new one."""
    if options.output_dir is not None:
        return options.output_dir
    name = read_experiment(config if isinstance(config, Mapping) else Path(config), overrides).name
    return RunDir.fresh(options.runs_dir / name).path


def begin(title: str, options: RunOptions) -> None:
    """Say which run begins."""
    Screen(quiet=options.quiet).say(title)


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else math.nan


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)
