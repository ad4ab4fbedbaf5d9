"""Word vectors by telling a word's neighbours from drawn words; the benchmark's own."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmarks.skip_gram import pair_losses
from dltk.data.samples import Preparation
from dltk.data.specs import Spec, Tokens
from dltk.training.loss_task import LossTask
from dltk.training.task import Needs, TaskConfig


class Config(TaskConfig):
    """Options of the task; its loss is that of all pairs of a stretch of text."""

    needs: ClassVar[Needs] = Needs(targets=(Tokens,), roles=("embedding",))


def build(_config: Config, _spec: Spec, _preparation: Preparation) -> LossTask:
    """Return the task."""
    return LossTask("loss", _losses, spell=lambda outputs: [{"score": row} for row in outputs[0].mean((1, 2)).tolist()])


def _losses(outputs: tuple[Tensor, Tensor], _wanted: Tensor) -> Tensor:
    return pair_losses(*outputs)
