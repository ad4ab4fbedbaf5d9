"""Word vectors by skip-grams with drawn negatives (Mikolov et al. 2013): what is compared with what, and the loss.

Text comes in stretches of words with those before and after them. A word's negatives are shared within its stretch, so
that all scores of a stretch are one matrix product.

Letters: B stretches, L words, C others: the words around each and the drawn ones, D numbers in a vector.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, cat, float32

REACH, LENGTH, NEGATIVES = 5, 16, 5
"""How far neighbours are, how many words a stretch has, and what each pair of neighbours is compared with."""
AROUND = LENGTH + 2 * REACH
DRAWN = LENGTH
"""Negatives of a stretch, each of which counts for several of a pair's."""
NOTHING = 0
"""Stands before and after a text."""
_SMALLEST = 1e-30


class Pairs(NamedTuple):
    """What to compare.

    Attributes:
        words: Ids (B, L).
        others: Ids (B, C); the first are the stretch with what is around it, the rest are negatives.
        weights: How often each pair counts, (B, L, C).
    """

    words: Tensor
    others: Tensor
    weights: Tensor


def pairs_of(stretches: Tensor, noise: Tensor, *, is_training: bool) -> Pairs:
    """Draw how far each word looks, from 1 to REACH, and negatives.

    Args:
        stretches: Ids (B, AROUND).
        noise: For each id the probability that a drawn one is at most this, (words,).
        is_training: Else the same is drawn every time.
    """
    generator = None if is_training else torch.Generator().manual_seed(0)
    count = len(stretches)
    words = stretches[:, REACH : REACH + LENGTH]
    far = torch.randint(1, REACH + 1, (count, LENGTH, 1), generator=generator).masked_fill_(
        (words == NOTHING)[:, :, None], 0
    )
    near = ((_distances() <= far) & (stretches != NOTHING)[:, None]).to(float32)
    drawn = torch.searchsorted(noise, torch.rand(count, DRAWN, generator=generator), right=True)
    each = near.sum(2, keepdim=True) * (NEGATIVES / DRAWN)
    return Pairs(words, cat([stretches, drawn], 1), cat([near, each.expand(-1, -1, DRAWN)], 2))


def noise_of(counts: Tensor) -> Tensor:
    """Return what negatives are drawn by: the counts of words to the power 3/4, summed up to 1."""
    frequencies = counts.double().pow(0.75)
    frequencies[NOTHING] = 0
    sums = frequencies.cumsum(0)
    return (sums / sums[-1]).float()


def pair_losses(scores: Tensor, weights: Tensor) -> Tensor:
    """Return the loss of all pairs of a stretch together, (B,): neighbours should score high, negatives low."""
    losses: Tensor = _Logistic.apply(scores, weights)
    return losses


def _distances() -> Tensor:
    """Return how far apart words and what is around them are, (L, AROUND); a word is no neighbour of itself."""
    apart = (torch.arange(LENGTH)[:, None] + REACH - torch.arange(AROUND)).abs()
    return apart.masked_fill(apart == 0, AROUND)


def _signs() -> Tensor:
    """Return 1 for what is around words, -1 for negatives, (C,)."""
    return cat([torch.ones(AROUND), -torch.ones(DRAWN)])


class _Logistic(torch.autograd.Function):
    """The sum of -weight * log(sigmoid(sign * score)): torch's own needs several times as long on a processor."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, weights: Tensor) -> Tensor:
        right = (scores * _signs()).sigmoid_()
        ctx.save_for_backward(right, weights)
        return right.clamp_min(_SMALLEST).log_().mul_(weights).sum((1, 2)).neg_()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        right, weights = ctx.saved_tensors
        return (right - 1).mul_(weights).mul_(_signs()).mul_(gradient[:, None, None]), None
