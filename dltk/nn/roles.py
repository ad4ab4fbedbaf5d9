"""Roles: what a task may expect of a model, whatever its architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class Predictor(Protocol):
    """`forward(inputs)` gives (B, num_outputs) logits or scaled numbers, or a dict of them by target name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor | Mapping[str, Tensor]: ...


@runtime_checkable
class Estimator(Protocol):
    """A predictor fitted without gradients: its whole state is tensors and JSON, of a size known only after `fit`."""

    def fit(self, samples: Iterable[Any]) -> None:
        """Fit on all training samples.

        Args:
            samples: Blocks with `inputs`, `targets` and `num_samples`. They can be iterated over again and again, and
                are the same in the same order each time; they may lie on a disk, so hold sums of them. A model that has
                to hold the samples themselves says `holds_samples = True` in its Config.
        """

    def state(self) -> Mapping[str, Any]:
        """Return everything that was fitted: tensors, numbers, text, lists and mappings."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""


@runtime_checkable
class Adversary(Protocol):
    """Two networks that learn against each other.

    Attributes:
        generator: (B, latent_size) noise -> samples shaped like the inputs.
        discriminator: samples -> (B,) logits, high for real ones.
        latent_size: Width of the noise.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_size: int
