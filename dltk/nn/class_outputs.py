"""What a model's outputs stand for where classes are learned: activations, probabilities, the answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassOutputs:
    """Reads outputs (B, num_outputs) as activations (B, num_classes), and those as probabilities.

    One class among several: a softmax over an output per class, or one output with a sigmoid for the second of two.
    Several labels at once: a sigmoid on each output.

    Attributes:
        num_classes: How many classes or labels there are.
        num_outputs: 1 for two classes, else one per class or label.
        multi_label: Whether a sample may have any number of them.
    """

    num_classes: int
    num_outputs: int
    multi_label: bool = False

    @property
    def stand_alone(self) -> bool:
        """Whether each output is judged by itself, under a sigmoid."""
        return self.multi_label or self.num_outputs == 1

    def activations(self, outputs: Tensor) -> Tensor:
        """Return (B, classes): one output of two classes becomes 0 and itself, so that a tie is the first class."""
        is_single = self.num_outputs < self.num_classes
        return torch.cat([torch.zeros_like(outputs), outputs], 1) if is_single else outputs

    def predicted(self, activations: Tensor) -> Tensor:
        """Return the likeliest class, int64 (B,), or which labels are on, bool (B, labels)."""
        return activations > 0 if self.multi_label else activations.argmax(1)

    def probabilities(self, activations: Tensor) -> Tensor:
        """Return (B, classes); of labels each by itself, else they add up to 1."""
        return activations.sigmoid() if self.multi_label else activations.softmax(1)

    def shares(self, targets: Tensor) -> Tensor:
        """Return how much of each class a sample is, float (B, classes): classes are 1 of their own and 0 of others."""
        if targets.is_floating_point():
            return targets
        return (targets[:, None] == torch.arange(self.num_classes, device=targets.device)).float()

    def wanted(self, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return what a loss compares the outputs with, as `nn.losses.Values` describes it.

        Args:
            targets: Class numbers, int64 (B,); shares of the classes, float (B, classes); or labels 0/1, float.
            smoothing: Part of each target that is spread evenly over all classes, or between on and off of a label
                (Szegedy et al. 2016, section 7).
        """
        if not smoothing and not self.stand_alone:
            return targets
        shares = self.shares(targets)
        shares = shares * (1 - smoothing) + smoothing / (2 if self.multi_label else self.num_classes)
        return shares[:, 1:] if self.num_outputs < self.num_classes else shares
