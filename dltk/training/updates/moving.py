"""An optimizer's update without torch's bookkeeping around it, which costs a tiny network more than the update."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Group:
    """What the kernel is given of one group.

    Attributes:
        options: torch's group.
        moments: First, second, and largest second ones.
        steps: How many updates each parameter has seen: parts of `count`.
        count: All of them.
    """

    options: dict[str, Any]
    moments: tuple[list[Tensor], list[Tensor], list[Tensor]]
    steps: list[Tensor]
    count: Tensor


class FusedAdam:
    """Calls the kernel of torch's fused Adam or AdamW on what the optimizer holds; its `state_dict` stays true.

    Args:
        optimizer: Made with `fused=True`. Its first update, and those where a parameter has no gradient, are its own.
    """

    def __init__(self, optimizer: torch.optim.Adam) -> None:
        self._optimizer, self._bare = optimizer, Bare(optimizer)
        self._kernel = torch._fused_adamw_ if isinstance(optimizer, torch.optim.AdamW) else torch._fused_adam_
        self._groups: list[_Group] = []

    def step(self) -> None:
        """Move once."""
        gradients = [[p.grad for p in group["params"]] for group in self._optimizer.param_groups]
        if not self._groups or any(gradient is None for each in gradients for gradient in each):
            self._bare.step()
            self._groups = [] if self._groups else self._found()
            return
        for group, each in zip(self._groups, gradients, strict=True):
            options = group.options
            group.count.add_(1)
            self._kernel(
                options["params"],
                each,
                *group.moments,
                group.steps,
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

    def _found(self) -> list[_Group]:
        """Return the moments of every group; nothing where one call does not do: no moments yet, or several types.

        The counters of a group, one for each parameter, are put into one place, where one call counts all of them.
        """
        state: Mapping[Tensor, dict[str, Tensor]] = self._optimizer.state
        found = []
        for group in self._optimizer.param_groups:
            held = [state[parameter] for parameter in group["params"] if state.get(parameter)]
            kinds = {(parameter.device, parameter.dtype) for parameter in group["params"]}
            if len(held) != len(group["params"]) or len(kinds) > 1:
                return []
            count = torch.stack([one["step"] for one in held])
            for one, step in zip(held, count.unbind(), strict=True):
                one["step"] = step
            largest = [one["max_exp_avg_sq"] for one in held] if group["amsgrad"] else []
            moments = [one["exp_avg"] for one in held], [one["exp_avg_sq"] for one in held], largest
            found.append(_Group(group, moments, [one["step"] for one in held], count))
        return found


def moves_of(optimizer: torch.optim.Optimizer) -> FusedAdam | Bare:
    """Return what makes an optimizer's updates."""
    if isinstance(optimizer, torch.optim.Adam) and all(group["fused"] for group in optimizer.param_groups):
        return FusedAdam(optimizer)
    return Bare(optimizer)
