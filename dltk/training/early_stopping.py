"""Which evaluation was the best, and whether to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from dltk.training.saving.trees import copied
from dltk.training.saving.weights import weights_of
from dltk.training.task import Direction


@dataclass(frozen=True)
class Best:
    """The weights of the best evaluation so far, waiting to be saved."""

    step: int
    score: float
    weights: Mapping[str, Any]


class Selection:
    """Watches one score: remembers the best evaluation and counts those without improvement.

    A score that is not finite is never the best and counts as no improvement. Few samples make many evaluations equally
    accurate: of these the one with the smallest loss is the best.

    Args:
        monitor: The score's name, such as "val/accuracy"; None watches nothing.
        direction: Whether small or large is good.
        loss: The name of the loss that decides between equal scores; "" takes the earliest.
        patience: Evaluations without improvement before stopping; None never stops.
        min_delta: The smallest change that counts as improvement and resets patience.
    """

    def __init__(
        self,
        monitor: str | None,
        direction: Direction = "max",
        *,
        loss: str = "",
        patience: int | None = None,
        min_delta: float = 0.0,
    ) -> None:
        self.monitor, self.direction, self._loss = monitor, direction, loss
        self._patience, self._min_delta = patience, min_delta
        self._sign = 1.0 if direction == "max" else -1.0
        self.best_step: int | None
        self.best_score: float
        self._best_rank: tuple[float, ...]
        self.pending: Best | None
        self.forget_best()
        self._reference = -math.inf
        self._stale = 0

    @property
    def should_stop(self) -> bool:
        """Whether patience is used up."""
        return self._patience is not None and self._stale >= self._patience

    def update(self, scores: Mapping[str, float], step: int, model: nn.Module) -> None:
        """Take the scores of an evaluation; the model's weights are copied when they are the best so far."""
        if self.monitor is None:
            return
        score = scores.get(self.monitor, math.nan)
        value = self._sign * score if math.isfinite(score) else -math.inf
        if value > self._reference and value - self._reference >= self._min_delta:
            self._reference, self._stale = value, 0
        else:
            self._stale += 1
        loss = scores.get(self._loss, math.nan)
        rank = (value, -loss if math.isfinite(loss) else -math.inf)
        if value > -math.inf and rank > self._best_rank:
            self.best_step, self.best_score, self._best_rank = step, score, rank
            self.pending = Best(step, score, copied(weights_of(model)))

    def forget_best(self) -> None:
        """Let the next evaluation be the best; patience still counts from the one that is forgotten."""
        self.best_step, self.best_score, self._best_rank, self.pending = None, math.nan, (-math.inf, -math.inf), None

    def state_dict(self) -> dict[str, Any]:
        """Return counters and the best score; its weights are saved beside."""
        return {
            "best_step": self.best_step,
            "best_score": self.best_score,
            "best_rank": self._best_rank,
            "reference": self._reference,
            "stale": self._stale,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self.best_step, self.best_score = state["best_step"], float(state["best_score"])
        self._best_rank = tuple(state["best_rank"])
        self._reference, self._stale, self.pending = float(state["reference"]), int(state["stale"]), None
