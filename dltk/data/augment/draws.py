"""Random numbers without a generator: each is a function of a key, a sample and its place in the sample's row."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

Draw = Callable[[int], Tensor]
"""count -> numbers evenly distributed in [0, 1), float32 (B, count); every call begins the samples' rows anew."""
_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed number: splitmix64's step
_FACTORS = (-4658895280553007687, -7723592293110705685)  # 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_BITS = 24  # as many as a float32 holds exactly
_QUANTILES = 4097


def mixed(values: Tensor) -> Tensor:
    """Scatter the bits of int64 numbers so that neighbours have nothing in common (splitmix64, Steele et al. 2014)."""
    values = (values ^ _shifted(values, 30)) * _FACTORS[0]
    values = (values ^ _shifted(values, 27)) * _FACTORS[1]
    return values ^ _shifted(values, 31)


def uniforms(key: int, samples: Tensor, count: int) -> Tensor:
    """Return numbers evenly distributed in [0, 1), float32 (B, count).

    Number j of a sample depends on the key, the sample and j alone: not on the batch, its size or the device.

    Args:
        key: Below 2**63; what `derive` returns.
        samples: What stands for each sample, int64 (B,).
        count: How many for each.
    """
    rows = mixed(samples * _GOLDEN + key)
    steps = torch.arange(1, count + 1, device=samples.device) * _GOLDEN
    return (_shifted(mixed(rows[:, None] + steps), 64 - _BITS)).float() * 2.0**-_BITS


def draw_for(key: int, samples: Tensor) -> Draw:
    """Return what draws the numbers of some samples."""
    return lambda count: uniforms(key, samples, count)


def order_of(key: int, count: int, device: torch.device) -> Tensor:
    """Return a permutation of the numbers below `count`, int64 (count,); it depends on the key alone."""
    return torch.argsort(mixed(torch.arange(1, count + 1, device=device) * _GOLDEN + key))


def between(low: float, high: float, uniform: Tensor) -> Tensor:
    """Stretch numbers from [0, 1) to [low, high)."""
    return low + (high - low) * uniform


def normals(uniform: Tensor) -> Tensor:
    """Turn numbers evenly distributed in [0, 1) into standard normal ones."""
    return torch.erfinv(2 * uniform - 1 + 2.0**-_BITS) * 2**0.5


def betas(alpha: float, uniform: Tensor) -> Tensor:
    """Turn numbers evenly distributed in [0, 1) into Beta(alpha, alpha) ones, by the inverse of its distribution."""
    heights, values = (table.to(uniform.device) for table in _lower_half(alpha))
    is_lower = uniform < 0.5
    height = (2 * torch.where(is_lower, uniform, 1 - uniform)).double()
    place = torch.searchsorted(heights, height).clamp(1, len(heights) - 1)
    below, above = heights[place - 1], heights[place]
    share = (height - below) / (above - below).clamp(min=1e-300)
    value = (values[place - 1] + share * (values[place] - values[place - 1])).float()
    return torch.where(is_lower, value, 1 - value)


@cache
def _lower_half(alpha: float) -> tuple[Tensor, Tensor]:
    """Return the distribution of Beta(alpha, alpha) below one half, at heights from 0 to 1, and the values there.

    With x = t^(1/min(alpha, 1)) / 2, the density that is infinite at 0 for alpha below 1 becomes a bounded one of t.
    """
    with torch.inference_mode(mode=False):
        t = torch.linspace(0, 1, _QUANTILES, dtype=torch.float64)
        values = t ** (1 / min(alpha, 1.0)) / 2
        density = (4 * values * (1 - values) if alpha > 1 else 1 - values) ** (alpha - 1)
        heights = torch.cat([t.new_zeros(1), torch.cumulative_trapezoid(density, t)])
        return heights / heights[-1], values


def _shifted(values: Tensor, bits: int) -> Tensor:
    """Shift right and fill with zeros; torch's own shift repeats the sign."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)
