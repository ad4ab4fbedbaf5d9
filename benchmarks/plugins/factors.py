"""Matrix factorisation (Koren et al. 2009): a number for a few ids, such as a user's rating of a film.

The benchmark's own.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Modality, Spec, Tokens


class Config(Settings):
    """The product of two vectors and two numbers of their own; gradients are added up row by row."""

    accepts: ClassVar[tuple[type[Modality], ...]] = (Tokens,)
    role: ClassVar[str] = "predictor"
    width: PositiveInt = 50
    """Numbers in a vector."""


class Factors(nn.Module):
    """A vector and a number for every id.

    Args:
        num_ids: How many there are, users and films together.
        width: Numbers in a vector.
    """

    def __init__(self, num_ids: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(num_ids, width) * 0.1)
        self.numbers = nn.Parameter(torch.zeros(num_ids))

    def forward(self, ids: Tensor) -> Tensor:
        """Turn pairs of ids (B, 2) into (B, 1)."""
        outputs: Tensor = _Products.apply(self.vectors, self.numbers, *ids.mT.contiguous())
        return outputs[:, None]


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return factors of these ids."""
    tokens = spec.input
    assert isinstance(tokens, Tokens)
    return Factors(len(tokens.vocabulary), config.width)


class _Products(torch.autograd.Function):
    """The product of two rows and the sum of two numbers."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, numbers: Tensor, one: Tensor, other: Tensor) -> Tensor:
        left, right = vectors.index_select(0, one), vectors.index_select(0, other)
        ctx.save_for_backward(left, right, one, other)
        ctx.num_ids = len(vectors)
        return (left * right).sum(1).add_(numbers.index_select(0, one)).add_(numbers.index_select(0, other))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        left, right, one, other = ctx.saved_tensors
        vectors, numbers = left.new_zeros(ctx.num_ids, left.shape[1]), left.new_zeros(ctx.num_ids)
        for rows, partners in ((one, right), (other, left)):
            vectors.index_add_(0, rows, partners.mul_(gradient[:, None]))  # in place: nobody reads them again
            numbers.index_add_(0, rows, gradient)
        return vectors, numbers, None, None
