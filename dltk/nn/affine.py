"""One dense layer on the values of a sample, its parameters called plainly weight and bias."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Affine(nn.Module):
    """Weigh all values of a sample and add a bias; torch's initial values.

    Attributes:
        weight: (num_outputs, num_inputs).
        bias: (num_outputs,).
    """

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        dense = nn.Linear(num_inputs, num_outputs)
        self.weight, self.bias = dense.weight, dense.bias

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, ...) with num_inputs values per sample into (B, num_outputs)."""
        return functional.linear(x.flatten(1), self.weight, self.bias)
