"""What optimizers do to all parameters at once, as operations on one vector that compile with the rest of a step.

Moments are those that torch's optimizer of the same options keeps, under the same names. Its first update, which makes
them, is left to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from dltk.training.optimizers import SGD, Adam, AdamW, RMSprop
from dltk.training.updates.optimizer_settings import OptimizerSettings

Moments = Mapping[str, Tensor]
Pace = Callable[[float, int], Sequence[float]]
"""(learning rate, number of an update from 1) -> the numbers that it is made with."""
Move = Callable[[Tensor, Tensor, Moments, Sequence[Tensor]], tuple[Tensor, Moments]]
"""(parameters, gradient, moments, an update's numbers) -> moved parameters and moments; all float32."""


@dataclass(frozen=True)
class Rule:
    """An optimizer's update.

    Attributes:
        moments: What it keeps of each parameter from one update to the next.
        pace: Tells what changes from one update to the next for all parameters alike.
        move: Makes one.
    """

    moments: Sequence[str]
    pace: Pace
    move: Move


def rule_of(options: OptimizerSettings) -> Rule | None:
    """Return an optimizer's update; None where it has none here, or something else is done to gradients."""
    if options.clip_norm or options.clip_value or options.l1 or options.l2 or options.groups:
        return None
    if isinstance(options, (Adam, AdamW)):
        return None if options.amsgrad else _adam(options)
    if isinstance(options, SGD):
        return _sgd(options)
    return _rmsprop(options) if isinstance(options, RMSprop) else None


def _adam(options: Adam | AdamW) -> Rule:
    (first, second), decay, is_decoupled = options.betas, options.weight_decay, isinstance(options, AdamW)

    def pace(rate: float, number: int) -> Sequence[float]:
        kept = 1 - rate * decay if is_decoupled else 1.0
        return kept, rate / (1 - first**number), math.sqrt(1 - second**number)

    def move(places: Tensor, gradient: Tensor, moments: Moments, numbers: Sequence[Tensor]) -> tuple[Tensor, Moments]:
        kept, step, root = numbers
        if decay and is_decoupled:
            places = places * kept
        elif decay:
            gradient = gradient + decay * places
        mean = moments["exp_avg"] + (1 - first) * (gradient - moments["exp_avg"])
        square = second * moments["exp_avg_sq"] + (1 - second) * gradient * gradient
        places = places - step * mean / (square.sqrt() / root + options.eps)
        return places, {"exp_avg": mean, "exp_avg_sq": square}

    return Rule(("exp_avg", "exp_avg_sq"), pace, move)


def _sgd(options: SGD) -> Rule:
    def move(places: Tensor, gradient: Tensor, moments: Moments, numbers: Sequence[Tensor]) -> tuple[Tensor, Moments]:
        if options.weight_decay:
            gradient = gradient + options.weight_decay * places
        kept: Moments = {}
        if options.momentum:
            moving = options.momentum * moments["momentum_buffer"] + (1 - options.dampening) * gradient
            kept = {"momentum_buffer": moving}
            gradient = gradient + options.momentum * moving if options.nesterov else moving
        return places - numbers[0] * gradient, kept

    return Rule(("momentum_buffer",) if options.momentum else (), _rate_alone, move)


def _rmsprop(options: RMSprop) -> Rule:
    def move(places: Tensor, gradient: Tensor, moments: Moments, numbers: Sequence[Tensor]) -> tuple[Tensor, Moments]:
        if options.weight_decay:
            gradient = gradient + options.weight_decay * places
        square = options.alpha * moments["square_avg"] + (1 - options.alpha) * gradient * gradient
        kept = {"square_avg": square}
        if options.centered:
            mean = moments["grad_avg"] + (1 - options.alpha) * (gradient - moments["grad_avg"])
            kept["grad_avg"], square = mean, square - mean * mean
        change = gradient / (square.sqrt() + options.eps)
        if options.momentum:
            change = options.momentum * moments["momentum_buffer"] + change
            kept["momentum_buffer"] = change
        return places - numbers[0] * change, kept

    names = {"square_avg": True, "grad_avg": options.centered, "momentum_buffer": bool(options.momentum)}
    return Rule([name for name, is_kept in names.items() if is_kept], _rate_alone, move)


def _rate_alone(rate: float, _number: int) -> Sequence[float]:
    return (rate,)
