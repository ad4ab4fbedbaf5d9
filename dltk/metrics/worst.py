"""The inputs with the largest losses so far, on their device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Worst:
    """Keeps a few inputs of many: those with the largest losses, worst first."""

    def __init__(self, count: int) -> None:
        self._count, self._seen = count, 0
        self._inputs: Tensor | None = None
        self._losses, self._positions = torch.empty(0), torch.empty(0)

    def add(self, inputs: Any, sample_losses: Tensor) -> None:
        """Look at a batch: inputs (B, ...) and losses (B,)."""
        positions = torch.arange(self._seen, self._seen + len(inputs), device=inputs.device)
        self._seen += len(inputs)
        if self._inputs is not None:
            inputs = torch.cat([self._inputs, inputs])
            sample_losses = torch.cat([self._losses, sample_losses])
            positions = torch.cat([self._positions, positions])
        best = sample_losses.topk(min(self._count, len(inputs))).indices
        self._inputs, self._losses, self._positions = inputs[best], sample_losses[best], positions[best]

    def columns(self) -> dict[str, Tensor]:
        """Return the inputs and their positions in the split, worst first; nothing where none were added."""
        if self._inputs is None:
            return {}
        return {"worst_inputs": self._inputs.cpu(), "worst_positions": self._positions.cpu()}
