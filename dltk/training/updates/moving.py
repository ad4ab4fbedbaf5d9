"""An optimizer's update without torch's bookkeeping around it, which costs a tiny network more than the update."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Bare:
    """Lets the optimizer make its update, without the hooks that torch puts around it; the first imports a compiler."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        self._step = inspect.unwrap(type(optimizer).step)

    @torch.no_grad()
    def step(self) -> None:
        """Move once."""
        self._step(self._optimizer)

    def forget(self) -> None:
        """Forget nothing."""


class FusedAdam:
    """Calls the kernel of torch's fused Adam or AdamW on what the optimizer holds; its `state_dict` stays true.

    Args:
        optimizer: Made with `fused=True`. Its first update, and those where a parameter has no gradient, are its own.
    """

    def __init__(self, optimizer: torch.optim.Adam) -> None:
        self._optimizer, self._bare = optimizer, Bare(optimizer)
        self._kernel = torch._fused_adamw_ if isinstance(optimizer, torch.optim.AdamW) else torch._fused_adam_
        self._groups: list[tuple[dict[str, Any], list[Tensor], list[list[Tensor]]]] = []

    def step(self) -> None:
        """Move once."""
        gradients = [[p.grad for p in group["params"]] for group in self._optimizer.param_groups]
        if not self._groups or any(gradient is None for each in gradients for gradient in each):
            self._bare.step()
            self._groups = [] if self._groups else self._found()
            return
        for (options, parameters, (first, second, largest, steps)), each in zip(self._groups, gradients, strict=True):
            torch._foreach_add_(steps, 1)
            self._kernel(
                parameters,
                each,
                first,
                second,
                largest,
                steps,
                lr=options["lr"],
                beta1=options["betas"][0],
                beta2=options["betas"][1],
                weight_decay=options["weight_decay"],
                eps=options["eps"],
                amsgrad=options["amsgrad"],
                maximize=False,
            )

    def forget(self) -> None:
        """Look up moments anew, after the optimizer's state was replaced."""
        self._groups = []

    def _found(self) -> list[tuple[dict[str, Any], list[Tensor], list[list[Tensor]]]]:
        """Return the moments of every group; nothing where one call does not do: no moments yet, or several types."""
        state: Mapping[Tensor, Mapping[str, Tensor]] = self._optimizer.state
        found = []
        for group in self._optimizer.param_groups:
            held = [state[parameter] for parameter in group["params"] if state.get(parameter)]
            kinds = {(parameter.device, parameter.dtype) for parameter in group["params"]}
            if len(held) != len(group["params"]) or len(kinds) > 1:
                return []
            largest = [one["max_exp_avg_sq"] for one in held] if group["amsgrad"] else []
            moments = [[one[name] for one in held] for name in ("exp_avg", "exp_avg_sq", "step")]
            found.append((group, group["params"], [moments[0], moments[1], largest, moments[2]]))
        return found


def moves_of(optimizer: torch.optim.Optimizer) -> FusedAdam | Bare:
    """Return what makes an optimizer's updates."""
    if isinstance(optimizer, torch.optim.Adam) and all(group["fused"] for group in optimizer.param_groups):
        return FusedAdam(optimizer)
    return Bare(optimizer)
