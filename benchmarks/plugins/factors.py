"""Matrix factorisation (Koren et al. 2009): how a user rates films; the benchmark's own.

Letters: B samples, R films of the user of a sample, D numbers in a vector.
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
    role: ClassVar[str] = "recommender"
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
        """Turn ids (B, 1 + R), a user's first, into (B, R)."""
        outputs: Tensor = _Products.apply(self.vectors, self.numbers, ids)
        return outputs


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return factors of these ids."""
    tokens = spec.input
    assert isinstance(tokens, Tokens)
    return Factors(len(tokens.vocabulary), config.width)


class _Products(torch.autograd.Function):
    """The products of a user's row and those of films, and the sums of their numbers."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, numbers: Tensor, ids: Tensor) -> Tensor:
        flat = ids.flatten()
        rows, own = vectors.index_select(0, flat).view(*ids.shape, -1), numbers.index_select(0, flat).view_as(ids)
        ctx.save_for_backward(rows, flat)
        ctx.num_ids = len(vectors)
        return torch.bmm(rows[:, :1], rows[:, 1:].mT)[:, 0].add_(own[:, :1]).add_(own[:, 1:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        rows, flat = ctx.saved_tensors
        of_user = torch.bmm(gradient[:, None], rows[:, 1:])
        torch.mul(gradient[:, :, None], rows[:, :1], out=rows[:, 1:])  # nobody reads the rows again
        rows[:, :1] = of_user
        of_numbers = torch.cat([gradient.sum(1, keepdim=True), gradient], 1)
        vectors = rows.new_zeros(ctx.num_ids, rows.shape[2]).index_add_(0, flat, rows.flatten(0, 1))
        return vectors, rows.new_zeros(ctx.num_ids).index_add_(0, flat, of_numbers.flatten()), None
