"""Multiply-adds of the operations that a pass goes through: matrix products, convolutions and attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten


def _of_product(_output: Any, a: Tensor, b: Tensor, *_: Any) -> int:
    """Count those of a (..., M, K) times b (..., K, N)."""
    return a.numel() * b.shape[-1]


def _of_product_and_sum(output: Any, _added: Tensor, a: Tensor, b: Tensor, *_: Any) -> int:
    return _of_product(output, a, b)


def _of_convolution(output: Tensor, x: Tensor, weight: Tensor, *options: Any) -> int:
    """Count those of weights that each meet every place of the output, or if it is transposed of the input."""
    _bias, _stride, _padding, _dilation, is_transposed, *_ = options
    places = (x if is_transposed else output).shape[2:]
    return x.shape[0] * math.prod(places) * weight.numel()


def _of_attention(_output: Any, query: Tensor, key: Tensor, value: Tensor, *_: Any) -> int:
    """Count those of query (B, H, S, D) with key (B, H, T, D), and of their weights with value (B, H, T, E)."""
    return query[..., 0].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])


_COUNTS: Mapping[Any, Callable[..., int]] = {
    _ATEN.mm: _of_product,
    _ATEN.bmm: _of_product,
    _ATEN.addmm: _of_product_and_sum,
    _ATEN.baddbmm: _of_product_and_sum,
    _ATEN.convolution: _of_convolution,
    _ATEN._scaled_dot_product_flash_attention_for_cpu: _of_attention,
    _ATEN._scaled_dot_product_flash_attention: _of_attention,
    _ATEN._scaled_dot_product_efficient_attention: _of_attention,
    _ATEN._scaled_dot_product_cudnn_attention: _of_attention,
}


class MultiplyAdds(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts while it is entered. torch's own counter imports Triton, which takes half a second, to know its kernels.

    Attributes:
        total: What was counted up to now.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, operation: Any, _types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call an operation, and count."""
        output = operation(*args, **(kwargs or {}))
        count = _COUNTS.get(operation.overloadpacket)
        if count is not None:
            self.total += count(output, *args)
        return output
