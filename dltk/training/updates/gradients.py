"""What is done to gradients before an update: penalties on weights, and clipping."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


@torch.no_grad()
def penalise(parameters: Sequence[nn.Parameter], l1: float, l2: float) -> None:
    """Add the gradient of l1 * sum of |w| + l2 * sum of w**2 over the weights: parameters of two dimensions or more."""
    if l1 == l2 == 0:
        return
    for parameter in parameters:
        if parameter.dim() < 2 or parameter.grad is None:
            continue
        if l1:
            parameter.grad.add_(parameter.sign(), alpha=l1)
        if l2:
            parameter.grad.add_(parameter, alpha=2 * l2)


def clip(parameters: Sequence[nn.Parameter], norm: float | None, value: float | None) -> Tensor | None:
    """Shorten the gradient to a norm, or limit its entries; return its norm before that, or None without either."""
    if norm is not None:
        return torch.nn.utils.clip_grad_norm_(parameters, norm)
    if value is None:
        return None
    before = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    torch.nn.utils.clip_grad_value_(parameters, value)
    return before
