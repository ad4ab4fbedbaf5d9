"""Means of named training scores since the last evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dltk.metrics.mean import Mean


class RunningScores:
    """Means of named values since they began anew."""

    def __init__(self) -> None:
        self._means: dict[str, Mean] = {}

    def add(self, values: Mapping[str, Tensor], num_samples: int | Tensor) -> None:
        """Add scalar tensors, each a mean over `num_samples` samples; no device synchronisation."""
        for name, value in values.items():
            if name not in self._means:
                self._means[name] = Mean(value.device)
            self._means[name].add(value, num_samples)

    def totals(self, names: Sequence[str], num_samples: int, device: torch.device) -> list[Tensor]:
        """Return the sums of values times samples, float64, for so many samples to be added to them in place."""
        for name in names:
            self._means.setdefault(name, Mean(device)).count(num_samples)
        return [self._means[name].total for name in names]

    def values(self) -> dict[str, float]:
        """Return the means. Synchronises with the device."""
        return {name: mean.value for name, mean in self._means.items()}

    def begin_anew(self) -> None:
        """Forget what was added."""
        self._means = {}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the sums."""
        return {name: mean.state() for name, mean in self._means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor], device: Any) -> None:
        """Take back what `state_dict` returned."""
        self._means = {name: Mean(device) for name in state}
        for name, mean in self._means.items():
            mean.restore(state[name])
