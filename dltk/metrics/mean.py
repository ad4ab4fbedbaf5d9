"""A mean over samples, not over batches, kept in float64 on the device without synchronising."""

from __future__ import annotations

import torch
from torch import Tensor


class Mean:
    """Adds up values weighted by their number of samples; NaN stays NaN."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)

    def add(self, mean: Tensor, num_samples: int | Tensor) -> None:
        """Add a mean over `num_samples` samples; a scalar tensor."""
        self._sums[0] += mean.detach().double() * num_samples
        self._sums[1] += num_samples

    @property
    def value(self) -> float:
        """The mean so far; NaN before the first sample. Synchronises with the device."""
        total, count = self._sums.tolist()
        return total / count if count else float("nan")

    def state(self) -> Tensor:
        """Return the sums, for a checkpoint."""
        return self._sums.clone()

    def restore(self, state: Tensor) -> None:
        """Take back what `state` returned."""
        self._sums.copy_(state)
