"""A convolution and the pool behind it in one, where there are too few filters to fill a processor's registers.

The four values from which a 2x2 pool keeps the largest are four filters more, each one the first by a pixel aside, of a
convolution that moves two pixels at a time. Where there are few filters, these fill the registers that would be empty
anyway, and the largest of four is taken value by value in whole registers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

MOST_FILTERS = 7
"""Eight fill half a register of 512 bits, with which convolving and pooling one after the other is about as fast."""
MOST_CHANNELS = 3
"""Those of pictures: for more, convolutions of larger filters cost more than is saved."""
FEWEST_PIXELS = 2**14
"""Values of a batch, below which calling the smaller operations takes longer than they save."""
WINDOW = 2
PLACES = WINDOW**2
_switched = {"on": False}


@runtime_checkable
class Pooling(Protocol):
    """A model that pools right behind convolutions, by `pooled`."""

    def pooled_convolutions(self) -> Iterable[tuple[nn.Conv2d, nn.Module]]:
        """Return the convolutions and the pools behind them."""


def fold_pools(*, on: bool) -> None:
    """Let `pooled` compute convolution and pool in one where that is faster, or one after the other; in this process.

    The largest value is the same but for rounding; so are gradients, of which ties give all to the first.
    """
    _switched["on"] = on


def has_foldable(model: nn.Module) -> bool:
    """Return whether a model has a convolution that is faster in one with its pool."""
    pairs = (pair for each in model.modules() if isinstance(each, Pooling) for pair in each.pooled_convolutions())
    return any(is_foldable(*pair) for pair in pairs)


def is_foldable(convolution: nn.Conv2d, pool: nn.Module) -> bool:
    """Return whether a convolution is faster in one with its pool: few filters over few channels, pooled 2x2."""
    is_plain = type(convolution) is nn.Conv2d and convolution.padding_mode == "zeros"
    moves_by_one = convolution.stride == convolution.dilation == (1, 1) and not isinstance(convolution.padding, str)
    return is_plain and moves_by_one and _is_small(convolution) and _halves(pool)


def _is_small(convolution: nn.Conv2d) -> bool:
    return convolution.in_channels <= MOST_CHANNELS and convolution.out_channels <= MOST_FILTERS


def _halves(pool: nn.Module) -> bool:
    if type(pool) is not nn.MaxPool2d or pool.ceil_mode or pool.return_indices:
        return False
    sizes = zip((pool.kernel_size, pool.stride, pool.padding, pool.dilation), (WINDOW, WINDOW, 0, 1), strict=True)
    return all(size in (wanted, (wanted, wanted)) for size, wanted in sizes)


def pooled(convolution: nn.Conv2d, pool: nn.Module, x: Tensor) -> Tensor:
    """Return what a pool leaves of a convolution.

    Only a pass that is to be learned from, of float32, computes both in one. Who has hooks on one of them sees a pass
    of its own then.
    """
    is_learned = convolution.training and torch.is_grad_enabled() and x.dtype == torch.float32
    if not (_switched["on"] and is_learned and x.numel() >= FEWEST_PIXELS and is_foldable(convolution, pool)):
        kept: Tensor = pool(convolution(x))
        return kept
    if convolution._forward_hooks or pool._forward_hooks:
        with torch.no_grad():
            pool(convolution(x))
    return folded(convolution, x)


def folded(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Return the largest of each 2x2 window of a convolution that moves by one pixel."""
    largest: Tensor = _Folded.apply(x.contiguous(), convolution.weight, convolution.bias, convolution.padding)
    return largest.contiguous(memory_format=torch.channels_last)


class _Folded(torch.autograd.Function):
    """The letters: B batch, P places in a window, F filters, C channels, H and W after the pool."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]) -> Tensor:
        """Turn images (B, C, H', W') into the largest of each window (B, F, H, W)."""
        filters, channels, height, width = weight.shape
        shifted = weight.new_zeros(PLACES * filters, channels, height + 1, width + 1)
        _moved(shifted, weight.shape).copy_(weight)
        repeated = None if bias is None else torch.cat([bias] * PLACES)
        values = F.conv2d(x, shifted, repeated, WINDOW, padding).contiguous()
        values = values.view(len(x), PLACES, filters, *values.shape[2:])
        largest: Tensor = values.amax(1)
        ctx.save_for_backward(x, shifted, values, largest)
        ctx.sizes, ctx.padding, ctx.has_bias = weight.shape, padding, bias is not None
        return largest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        """Give each gradient to the first of the largest, then go back through the convolution."""
        x, shifted, values, largest = ctx.saved_tensors
        shares = _shared_out(values, largest, gradient.clone(memory_format=torch.contiguous_format))
        wanted = [*ctx.needs_input_grad[:2], ctx.has_bias and ctx.needs_input_grad[2]]
        places = ([WINDOW, WINDOW], list(ctx.padding), [1, 1], False, [0, 0], 1)
        of_x, of_shifted, of_bias = torch.ops.aten.convolution_backward(
            shares.flatten(1, 2), x, shifted, [len(shifted)], *places, wanted
        )
        of_weight = None if of_shifted is None else _moved(of_shifted.contiguous(), ctx.sizes).sum((0, 1))
        return of_x, of_weight, None if of_bias is None else of_bias.view(PLACES, -1).sum(0), None


def _moved(shifted: Tensor, sizes: torch.Size) -> Tensor:
    """View contiguous filters (P * F, C, h + 1, w + 1) as (2, 2, F, C, h, w): each place's own, where it was moved."""
    filters, channels, height, width = sizes
    of_filter, of_channel, of_row, _ = shifted.stride()
    of_place = filters * of_filter
    strides = (WINDOW * of_place + of_row, of_place + 1, of_filter, of_channel, of_row, 1)
    return shifted.as_strided((WINDOW, WINDOW, filters, channels, height, width), strides)


def _shared_out(values: Tensor, largest: Tensor, left: Tensor) -> Tensor:
    """Put in place of values (B, P, F, H, W) their gradient: all of it for the first of the largest, 0 for others.

    In place, for what lies in a core's cache is not asked for again; `left` is used up.
    """
    *places, last = values.unbind(1)
    for place in places:
        place.eq_(largest).mul_(left)
        left -= place
    last.copy_(left)
    return values
