"""Divergence: the step, the layer and the learning rate that broke a run, found by training again with checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dltk.config.errors import Diverged
from dltk.data.batches import Batches
from dltk.data.blocks import Epoch
from dltk.nn.roles import Estimator
from dltk.training.learner import Learner
from dltk.training.record import Metrics
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.trees import copied, tensors_in
from dltk.training.saving.weights import broken_tensor, set_weights, weights_of

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Whole:
    """A moment at which nothing was broken: the weights, the learner's state, and how far the run was."""

    weights: Mapping[str, Any]
    learner: Mapping[str, Any]
    epoch: int = 0
    batch: int = 0
    step: int = 0

    @classmethod
    def saved(cls, checkpoint: Checkpoint) -> Whole:
        """Return the moment of a checkpoint."""
        state = checkpoint.state()
        progress = state["progress"]
        return cls(checkpoint.weights(), state["learner"], progress["epoch"], progress["batch"], progress["step"])


@dataclass(frozen=True)
class Break:
    """Where training broke.

    Attributes:
        step: Counted from 1.
        epoch: Counted from 1.
        what: Which value is not finite.
        layer: The first module whose output was not finite in this step; None where all were.
        rates: The step's learning rates.
    """

    step: int
    epoch: int
    what: str
    layer: str | None
    rates: Mapping[str, float]


def what_is_broken(learner: Learner, scores: Mapping[str, float]) -> str | None:
    """Return what is not finite: a score, a weight, a moment or a running sum. Synchronises with the device."""
    broken_score = next((name for name, value in scores.items() if not math.isfinite(value)), None)
    if broken_score is not None:
        return f"{broken_score} is {scores[broken_score]}"
    tensor = broken_tensor(learner.inference_model(), learner.state_dict())
    return None if tensor is None else f"{tensor} is no longer finite"


@contextmanager
def explained(
    learner: Learner, batches: Batches, checkpoints: Checkpoints, metrics: Metrics, steps: Callable[[], int]
) -> Iterator[None]:
    """Let a Diverged that leaves the block name the step, the layer and the learning rate.

    Args:
        learner: What trains; after a divergence it is where training broke.
        batches: What it trains on.
        checkpoints: Training is repeated from the last one, or else from the beginning.
        metrics: The record of evaluations, which schedules reacted to.
        steps: Returns how many steps are behind.
    """
    model = learner.inference_model()
    can_repeat = not isinstance(model, Estimator)
    whole = (
        Whole(copied(weights_of(model), CPU), copied(learner.state_dict(), CPU)) if can_repeat and not steps() else None
    )
    try:
        yield
    except Diverged as error:
        last = checkpoints.last()
        whole = Whole.saved(last) if last else whole
        seen = {row["step"]: row for row in metrics.rows()}
        found = _first_break(learner, batches, whole, steps(), seen) if whole and can_repeat else None
        raise _diverged(error, found, last) from None


def _first_break(
    learner: Learner, batches: Batches, whole: Whole, end: int, seen: Mapping[int, Mapping[str, float | None]]
) -> Break | None:
    """Train again from a moment at which nothing was broken, and look after each step; None where none breaks."""
    set_weights(learner.inference_model(), whole.weights)
    learner.load_state_dict(whole.learner)
    rates = _rates(learner.scores())
    epoch, start, step = whole.epoch, whole.batch, whole.step
    with _watching(learner.training_model()) as layers:
        while step < end:
            before = step
            for consumed in learner.epoch(Epoch(batches, epoch, start)):
                step += consumed
                scores = learner.scores()
                what = what_is_broken(learner, {f"train/{name}": value for name, value in scores.items()})
                if what is not None:
                    return Break(step, epoch + 1, what, next(iter(layers), None), rates)
                if step in seen:
                    learner.observe(seen[step])
                rates = _rates(learner.scores())
                layers.clear()
            if step == before and start == 0:  # a stream that has nothing to give this time
                break
            epoch, start = epoch + 1, 0
    return None


@contextmanager
def _watching(model: nn.Module) -> Iterator[list[str]]:
    """Yield a list that gets the names of modules whose output is not finite, in the order of computation."""
    broken: list[str] = []

    def watch(name: str) -> Any:
        def look(_module: nn.Module, _inputs: Any, output: Any) -> None:
            tensors = [tensor for _, tensor in tensors_in(output) if tensor.is_floating_point()]
            if not all(bool(tensor.isfinite().all()) for tensor in tensors):
                broken.append(name)

        return look

    handles = [module.register_forward_hook(watch(name)) for name, module in model.named_modules()]
    try:
        yield broken
    finally:
        for handle in handles:
            handle.remove()


def _rates(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if name.split("/")[0] == "lr"}


def _diverged(error: Diverged, found: Break | None, last: Checkpoint | None) -> Diverged:
    whole = f"the last checkpoint, {last.path.name}, is finite" if last else "there was no checkpoint yet"
    remedy = "try a smaller optimizer.lr"
    if found is None:
        return Diverged(error.message, expected=whole, do=remedy)
    where = f"the first output that is not finite is that of {found.layer or 'the model'}"
    elsewhere = "every layer's output is finite: the loss or the update is too large"
    return Diverged(
        f"training diverged at step {found.step} (epoch {found.epoch}): {found.what}",
        where=where if found.layer is not None else elsewhere,
        found=", ".join(f"{name.replace('/', ' of ')} {value:g}" for name, value in found.rates.items()),
        expected=whole,
        do=remedy,
    )
