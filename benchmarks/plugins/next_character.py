"""Language modelling: the next token at every position; the benchmark's own."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from dltk.data.samples import Preparation
from dltk.data.specs import Spec, Tokens
from dltk.training.loss_task import LossTask
from dltk.training.task import Needs, TaskConfig


class Config(TaskConfig):
    """Options of the task."""

    needs: ClassVar[Needs] = Needs(targets=(Tokens,), roles=("language_model",))


def build(_config: Config, _spec: Spec, _preparation: Preparation) -> LossTask:
    """Return the task."""
    return LossTask("loss", _losses, spell=lambda outputs: [{"next": row[-1]} for row in outputs.argmax(-1).tolist()])


def _losses(outputs: Tensor, wanted: Tensor) -> Tensor:
    return F.cross_entropy(outputs.flatten(0, 1), wanted.flatten(), reduction="none").view(wanted.shape).mean(1)
