"""What a plateau schedule has seen: the best score, and how often the rate was lowered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dltk.config.errors import OptionError, choices_near, did_you_mean, shown
from dltk.training.schedules import Plateau, ScheduleSettings

if TYPE_CHECKING:
    from dltk.training.task import Direction


class PlateauWatch:
    """Lowers the rate after evaluations without improvement; a score that is not finite is none.

    Args:
        schedule: The options.
        direction: Whether small or large is good.
    """

    def __init__(self, schedule: Plateau, direction: Direction) -> None:
        self._schedule, self._direction = schedule, direction
        self._best: float | None = None
        self._stale = 0
        self._reductions = 0

    @property
    def multiplier(self) -> float:
        """What the base rate is multiplied by."""
        return self._schedule.factor**self._reductions

    def observe(self, scores: Mapping[str, float | None]) -> None:
        """Take the scores of an evaluation."""
        score = scores.get(self._schedule.monitor)
        if score is not None and math.isfinite(score) and self._is_better(score):
            self._best, self._stale = score, 0
            return
        self._stale += 1
        if self._stale > self._schedule.patience:
            self._reductions, self._stale = self._reductions + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Return the best score and the counters."""
        return {"best": self._best, "stale": self._stale, "reductions": self._reductions}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._best = None if state["best"] is None else float(state["best"])
        self._stale, self._reductions = int(state["stale"]), int(state["reductions"])

    def _is_better(self, score: float) -> bool:
        if self._best is None:
            return True
        margin = self._schedule.threshold * abs(self._best)
        return score < self._best - margin if self._direction == "min" else score > self._best + margin


def watch_for(
    schedule: ScheduleSettings, directions: Mapping[str, Direction], num_evaluations: int | None
) -> PlateauWatch | None:
    """Return what watches a score for a schedule, or None where the schedule reacts to none.

    Args:
        schedule: The schedule.
        directions: The scores there are, and whether small or large is good.
        num_evaluations: How often they will be known; None where only training tells.

    Raises:
        OptionError: There is no such score, or the schedule cannot react within the run.
    """
    if not isinstance(schedule, Plateau):
        return None
    if not directions:
        raise OptionError(
            "name", "plateau reacts to a val score and there is none; set data.val_fraction", id="DLTK-CONFIG-SCORE"
        )
    if schedule.monitor not in directions:
        raise OptionError(
            "monitor",
            f"no such score{did_you_mean(schedule.monitor, directions)}",
            id="DLTK-CONFIG-SCORE",
            found=shown(schedule.monitor),
            allowed=choices_near(schedule.monitor, directions),
        )
    if num_evaluations and num_evaluations < schedule.patience + 3:
        needed = f"the rate falls after evaluation {schedule.patience + 2} at the earliest"
        raise OptionError("patience", f"{needed}; the run has {num_evaluations}", id="DLTK-CONFIG-SPAN")
    return PlateauWatch(schedule, directions[schedule.monitor])
