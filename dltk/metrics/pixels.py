"""How the pixels of generated samples are distributed, beside those of real ones."""

from __future__ import annotations

import torch
from torch import Tensor


class PixelStatistics:
    """Mean and deviation of every pixel over samples, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Tensor | float = 0.0
        self._sum_of_squares: Tensor | float = 0.0

    def add(self, samples: Tensor) -> None:
        """Add samples, (B, ...)."""
        values = samples.double()
        self.count += len(values)
        self._sum = self._sum + values.sum(0)
        self._sum_of_squares = self._sum_of_squares + values.square().sum(0)

    @property
    def means(self) -> Tensor:
        """The mean sample, (...)."""
        return torch.as_tensor(self._sum) / self.count

    @property
    def deviations(self) -> Tensor:
        """The deviation of every pixel, dividing by n, (...)."""
        return (torch.as_tensor(self._sum_of_squares) / self.count - self.means.square()).clamp_min(0).sqrt()


def pixel_distances(real: PixelStatistics, generated: PixelStatistics) -> dict[str, float]:
    """Return the root mean square over pixels of the differences of means, of deviations, and of both together.

    The square of "pixel_distance" is the mean over pixels of the squared Frechet distance of two normals.
    """
    means = (real.means - generated.means).square().mean()
    deviations = (real.deviations - generated.deviations).square().mean()
    distances = {"pixel_distance": means + deviations, "mean_distance": means, "deviation_distance": deviations}
    return {name: value.sqrt().item() for name, value in distances.items()}
