"""Where and under which seed a run computes."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dltk.config.errors import Unavailable
from dltk.config.seeds import derive


@dataclass(frozen=True)
class Session:
    """Facts of one run that learners may use.

    Attributes:
        seed: The run's seed; everything random derives from it.
        device: Where the model and the batches are.
        total_steps: Batches in the whole run; None where only reading tells.
        epoch_steps: Batches in one epoch; None where only reading tells.
    """

    seed: int
    device: torch.device
    total_steps: int | None
    epoch_steps: int | None = None

    def seed_step(self, step: int) -> None:
        """Seed the device's generator for one step, so that dropout and noise do not depend on the past."""
        seed = derive(self.seed, "step", step)
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
