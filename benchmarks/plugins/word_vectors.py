"""Two vectors per word, one for being seen and one for being around; the benchmark's own."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmarks.skip_gram import noise_of, pairs_of
from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Modality, Spec, Tokens


class Config(Settings):
    """Word vectors whose scores and gradients are matrix products, one for each stretch of text."""

    accepts: ClassVar[tuple[type[Modality], ...]] = (Tokens,)
    role: ClassVar[str] = "embedding"
    width: PositiveInt = 100
    """Numbers in a vector."""


class Vectors(nn.Module):
    """The vectors, and what negatives are drawn by.

    Args:
        counts: How often each word is in the training samples.
        width: Numbers in a vector.
    """

    noise: Tensor

    def __init__(self, counts: Tensor, width: int) -> None:
        super().__init__()
        self.words = nn.Parameter((torch.rand(len(counts), width) - 0.5) / width)
        self.around = nn.Parameter(torch.zeros(len(counts), width))
        self.register_buffer("noise", noise_of(counts))

    def forward(self, stretches: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores of pairs and how often each counts, both (B, L, C)."""
        pairs = pairs_of(stretches, self.noise, is_training=self.training)
        scores: Tensor = _Scores.apply(self.words, self.around, pairs.words, pairs.others)
        return scores, pairs.weights


def build(config: Config, _spec: Spec, preparation: Preparation) -> nn.Module:
    """Return vectors of the words in these data, which have to be counted."""
    return Vectors(preparation.counts, config.width)  # type: ignore[attr-defined]


class _Scores(torch.autograd.Function):
    """Products of two tables' rows; the gradient of a table is added up row by row."""

    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor, rows: Tensor, others: Tensor) -> Tensor:
        left, right = _taken(one, rows), _taken(other, others)
        ctx.save_for_backward(left, right, rows, others)
        ctx.num_rows = len(one), len(other)
        return torch.bmm(left, right.mT)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        left, right, rows, others = ctx.saved_tensors
        num_rows, num_others = ctx.num_rows
        of_one = _added_up(torch.bmm(gradient, right), rows, num_rows)
        return of_one, _added_up(torch.bmm(gradient.mT, left), others, num_others), None, None


def _taken(table: Tensor, rows: Tensor) -> Tensor:
    return table.index_select(0, rows.flatten()).view(*rows.shape, -1)


def _added_up(gradients: Tensor, rows: Tensor, num_rows: int) -> Tensor:
    flat = gradients.flatten(0, -2)
    return flat.new_zeros(num_rows, flat.shape[1]).index_add_(0, rows.flatten(), flat)
