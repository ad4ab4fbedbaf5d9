"""Where and under which seed a run computes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dltk.config.errors import Unavailable
from dltk.config.seeds import derive
from dltk.training.processes import ALONE, World
from dltk.training.schedules import Length


@dataclass(frozen=True)
class Session:
    """Facts of one run that learners may use.

    Attributes:
        seed: The run's seed; everything random derives from it.
        device: Where the model and the batches are.
        total_steps: Batches in the whole run; None where only reading tells.
        epoch_steps: Batches in one epoch; None where only reading tells.
        world: The processes that train together; each gets its share of every batch.
    """

    seed: int
    device: torch.device
    total_steps: int | None
    epoch_steps: int | None = None
    world: World = ALONE

    def length(self, batches_per_update: int | None = 1) -> Length:
        """Return the updates of the run and of an epoch, whose last may see fewer batches.

        Args:
            batches_per_update: None makes one of all batches of an epoch.
        """
        if batches_per_update is None and self.epoch_steps is None:
            return Length(None, 1)
        in_epoch = self.epoch_steps or self.total_steps or 1
        each = batches_per_update or in_epoch
        epoch = None if self.epoch_steps is None else math.ceil(self.epoch_steps / each)
        if self.total_steps is None:
            return Length(None, epoch)
        epochs, rest = divmod(self.total_steps, in_epoch)
        return Length(epochs * math.ceil(in_epoch / each) + math.ceil(rest / each), epoch)

    def seed_step(self, step: int) -> None:
        """Seed the device's generator for one step, so that dropout and noise do not depend on the past.

        Of several processes each draws its own.
        """
        seed = derive(self.seed, "step", step, *([] if self.world.is_first else [self.world.rank]))
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)


def choose_device(wanted: str) -> torch.device:
    """Return the device for "auto", "cpu" or "cuda".

    Raises:
        Unavailable: CUDA was asked for and there is none.
    """
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise Unavailable("there is no CUDA device here", do="leave train.device out, or set train.device=cpu")
    return torch.device("cuda" if wanted != "cpu" and has_cuda else "cpu")
