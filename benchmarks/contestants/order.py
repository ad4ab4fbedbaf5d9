"""The order of an epoch that contestants share where theirs can be set."""

from __future__ import annotations

import torch
from torch import Tensor

from dltk.config.seeds import derive


def order(epoch: int, num_samples: int) -> Tensor:
    """Return the permutation that dltk draws under seed 0."""
    return torch.randperm(num_samples, generator=torch.Generator().manual_seed(derive(0, "order", epoch)))
