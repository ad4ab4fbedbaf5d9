"""A mean over samples, not over batches, kept in float64 on the device without synchronising."""

from __future__ import annotations

import torch
from torch import Tensor


class Mean:
    """Adds up values weighted by their number of samples; NaN stays NaN."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._total = torch.zeros((), dtype=torch.float64, device=device)
        self._count: int | float | Tensor = 0

    def add(self, mean: Tensor, num_samples: int | Tensor) -> None:
        """Add a mean over `num_samples` samples; a scalar tensor."""
        if isinstance(num_samples, Tensor):
            self._total += mean.detach().double() * num_samples
        else:
            self._total.add_(mean.detach(), alpha=num_samples)
        self._count = self._count + num_samples

    @property
    def total(self) -> Tensor:
        """The sum itself, float64: whoever adds to it in place tells `count` how many samples that was."""
        return self._total

    def count(self, num_samples: int) -> None:
        """Count samples whose values were added to `total`."""
        self._count = self._count + num_samples

    @property
    def value(self) -> float:
        """The mean so far; NaN before the first sample. Synchronises with the device."""
        count = float(self._count)
        return self._total.item() / count if count else float("nan")

    def state(self) -> Tensor:
        """Return sum and count, for a checkpoint."""
        count = torch.as_tensor(self._count, dtype=torch.float64, device=self._total.device)
        return torch.stack([self._total, count])

    def restore(self, state: Tensor) -> None:
        """Take back what `state` returned."""
        self._total.copy_(state[0])
        self._count = float(state[1])
