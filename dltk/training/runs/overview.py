"""Many runs side by side, from their files alone: state, scores, and which overrides tell them apart."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltk.config.errors import DltkError, UsageError, alternatives, shown
from dltk.config.terminal import short
from dltk.training.loggers import number
from dltk.training.record import Metrics
from dltk.training.runs.rundir import RunDir, all_runs
from dltk.training.runs.summary import state

OVERRIDE = "# override: "
SECONDS = "seconds"


@dataclass(frozen=True)
class Glance:
    """What is worth knowing of a run among others.

    Attributes:
        path: Where it is, as a user would write it.
        name: The experiment's.
        state: running, stopped, failed, killed, completed, or damaged where its files do not tell.
        scores: At the end; of a run without an end, those of its best evaluation.
        directions: Whether small or large is good, by score name without split; the first is the main one.
        seconds: How long it trained.
        overrides: What was given behind its config.
        origin: Where a fork comes from, as a user would write it; "" for a run that is none.
    """

    path: str
    name: str = ""
    state: str = "damaged"
    scores: Mapping[str, float | None] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def score(self) -> str:
        """The main score by which runs are chosen: of val, else of train; "" where there is none yet."""
        wanted = [f"{split}/{name}" for split in ("val", "train") for name in [*self.directions][:1]]
        return next((name for name in wanted if name in self.scores), "")

    @property
    def test_score(self) -> str:
        """The main score of the test split; "" where it was not scored."""
        return next((name for name in self.scores if name.startswith("test/")), "")

    @property
    def is_fold(self) -> bool:
        """Whether it was trained on one fold of a cross-validation, so that its scores are those of other samples."""
        return self.overrides.get("data.fold", "null") != "null"

    def has(self, name: str) -> bool:
        """Return whether it has a score, be it undefined, or the seconds."""
        return self.seconds is not None if name == SECONDS else name in self.scores

    def value(self, name: str) -> float:
        """Return a score, or the seconds; NaN where it is undefined or missing."""
        value = self.seconds if name == SECONDS else self.scores.get(name)
        return math.nan if value is None else value

    def direction(self, name: str) -> str:
        """Return min or max; "" where the run does not know the score."""
        return "min" if name == SECONDS else self.directions.get(name.partition("/")[2], "")


def glances(runs_dir: Path, pattern: str = "") -> list[Glance]:
    """Return the runs below a directory, newest first.

    Args:
        runs_dir: Where they are.
        pattern: A glob that a run's path, its path below `runs_dir` or its experiment's name matches; "": all.
    """
    found = []
    for run in all_runs(runs_dir):
        glance = _glance(run)
        below = str(run.path.relative_to(runs_dir.absolute()))
        if not pattern or any(fnmatch.fnmatchcase(text, pattern) for text in (glance.path, below, glance.name)):
            found.append(glance)
    return found


def best_first(runs: Sequence[Glance], score: str) -> list[Glance]:
    """Return runs by a score, such as val/accuracy, or by seconds; of equals those with the smaller loss come first.

    Those where the score is undefined come last.

    Raises:
        UsageError: No run has such a score.
    """
    direction = next(filter(None, (run.direction(score) for run in runs if run.has(score))), "")
    if runs and not direction:
        known = dict.fromkeys([*(name for run in runs for name in run.scores if run.direction(name)), SECONDS])
        raise UsageError(f"none of these runs has the score {shown(score)}{alternatives(score, known)}")
    sign = -1 if direction == "max" else 1
    loss = f"{score.partition('/')[0]}/loss"

    def rank(run: Glance) -> tuple[bool, float, bool, float]:
        value, tie = run.value(score), run.value(loss)
        return math.isnan(value), sign * value, math.isnan(tie), tie

    return sorted(runs, key=rank)


def comparable(runs: Sequence[Glance], score: str) -> tuple[list[Glance], dict[str, int]]:
    """Return the runs that compete by a score, in their order, and how many do not, by the reason.

    Runs without the score do not, and folds of a cross-validation only among each other.
    """
    scored = [run for run in runs if run.has(score)]
    chosen = [run for run in scored if not run.is_fold] or scored
    reasons = {f"without {score}": len(runs) - len(scored), "of a cross-validation": len(scored) - len(chosen)}
    return chosen, {reason: count for reason, count in reasons.items() if count}


def distinguishing(runs: Sequence[Glance]) -> list[dict[str, str]]:
    """Return for each run those of its overrides that are not the same in all."""
    keys = dict.fromkeys(key for run in runs for key in run.overrides)
    differing = [key for key in keys if len({run.overrides.get(key) for run in runs}) > 1]
    return [{key: run.overrides[key] for key in differing if key in run.overrides} for run in runs]


def rows(runs: Sequence[Glance], score: str = "") -> list[dict[str, Any]]:
    """Return a table of runs; a column that would be empty is left out.

    Args:
        runs: In the order of the rows.
        score: What to show instead of each run's main score.
    """
    own = distinguishing(runs)
    table = [
        {
            "run": run.path,
            "state": run.state,
            "score": _spelled(run, run.score if score in ("", SECONDS) else score),
            "test": _spelled(run, run.test_score),
            "seconds": "" if run.seconds is None else f"{run.seconds:g}",
            "overrides": " ".join(f"{key}={value}" for key, value in overrides.items()),
            "forked from": run.origin,
        }
        for run, overrides in zip(runs, own, strict=True)
    ]
    empty = {column for column in ("test", "overrides", "forked from") if not any(row[column] for row in table)}
    return [{column: text for column, text in row.items() if column not in empty} for row in table]


def as_json(run: Glance) -> dict[str, Any]:
    """Return a run for `--json`."""
    facts = {"run": run.path, "name": run.name, "state": run.state, "scores": dict(run.scores)}
    forked = {"forked_from": run.origin} if run.origin else {}
    return {**facts, "seconds": run.seconds, "overrides": dict(run.overrides), **forked}


def _glance(run: RunDir) -> Glance:
    try:
        status = run.status()
        directions = status.get("directions", {})
        evaluations = Metrics(run.metrics).rows()
        best = status.get("scores") or _best(evaluations, directions)
        seconds = status.get(SECONDS, evaluations[-1][SECONDS] if evaluations else None)
        given = _overrides(run.config)
        name = str(status.get("name", ""))
        return Glance(short(run.path), name, state(run), best, directions, seconds, given, _origin(status))
    except (DltkError, OSError):
        return Glance(short(run.path))


def _origin(status: Mapping[str, Any]) -> str:
    found = status.get("forked_from")
    return f"{short(Path(found['run']))} at step {found['step']}" if found else ""


def _best(evaluations: Sequence[Mapping[str, Any]], directions: Mapping[str, str]) -> dict[str, float | None]:
    """Return the scores of the evaluation with the best main val score, of the last where there is none."""
    if not evaluations:
        return {}
    name, direction = next(iter(directions.items()), ("", "min"))
    sign = -1 if direction == "max" else 1
    scored = [row for row in evaluations if row.get(f"val/{name}") is not None]
    best = min(scored, key=lambda row: sign * row[f"val/{name}"]) if scored else evaluations[-1]
    return {name: value for name, value in best.items() if "/" in name}


def _overrides(config: Path) -> dict[str, str]:
    """Return the overrides that stand as comments before a config as it was given."""
    given = {}
    with config.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.startswith(OVERRIDE):
                break
            key, _, value = line.removeprefix(OVERRIDE).rstrip("\n").partition("=")
            given[key] = value
    return given


def _spelled(run: Glance, score: str) -> str:
    return f"{score} {number(run.value(score))}" if run.has(score) else ""
