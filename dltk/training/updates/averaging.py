"""An exponential moving average of a model's weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class WeightAverage:
    """Follows a model: after n updates a = d * a + (1 - d) * w with d = min(decay, (1 + n) / (10 + n)).

    Buffers, such as the statistics of batch normalisation, are copied.

    Args:
        source: The model that learns.
        decay: How much of the average each update keeps, once there were enough.
    """

    def __init__(self, source: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(source)
        self._source, self._decay = source, decay
        self._updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after an update."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        for average, weight in zip(self.model.parameters(), self._source.parameters(), strict=True):
            average.lerp_(weight, 1 - decay)
        _copy(dict(self._source.named_buffers()), dict(self.model.named_buffers()))

    def state_dict(self) -> dict[str, Any]:
        """Return the weights that learn, and the counter; the average is the inference model's."""
        return {"updates": self._updates, "weights": dict(self._source.named_parameters())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned, after the average was put into the inference model."""
        self._updates = int(state["updates"])
        _copy(state["weights"], dict(self._source.named_parameters()))
        _copy(dict(self.model.named_buffers()), dict(self._source.named_buffers()))


@torch.no_grad()
def _copy(values: Mapping[str, torch.Tensor], places: Mapping[str, torch.Tensor]) -> None:
    for name, place in places.items():
        place.copy_(values[name])
