"""An optimizer's update without torch's bookkeeping around it, which costs a tiny network more than the update."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
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
class Group:
    """Parameters that move alike, with what the optimizer holds of them.

    Attributes:
        options: torch's group.
        moments: By the optimizer's names, one for each parameter.
        steps: How many updates each parameter has seen: parts of `count`.
        count: All of them.
    """

    options: Mapping[str, Any]
    moments: Mapping[str, list[Tensor]]
    steps: list[Tensor]
    count: Tensor


Move = Callable[[Group, list[Tensor]], None]
"""(group, a gradient for each of its parameters) -> nothing; parameters and moments have moved."""


class Direct:
    """Makes an optimizer's update on what it holds; its `state_dict` stays true.

    Args:
        optimizer: Its first update, and those where a parameter has no gradient, are its own.
        names: What it calls the moments it keeps.
        move: Makes the update, to the same bits.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, names: Sequence[str], move: Move) -> None:
        self._optimizer, self._names, self._move = optimizer, names, move
        self._bare = Bare(optimizer)
        self._groups: list[Group] = []

    def step(self) -> None:
        """Move once."""
        gradients = [[p.grad for p in group["params"]] for group in self._optimizer.param_groups]
        if not self._groups or any(gradient is None for each in gradients for gradient in each):
            self._bare.step()
            self._groups = [] if self._groups else self._found()
            return
        with torch.no_grad():
            for group, each in zip(self._groups, gradients, strict=True):
                group.count.add_(1)
                self._move(group, each)

    def forget(self) -> None:
        """Look up moments anew, after the optimizer's state was replaced."""
        self._groups = []

    def _found(self) -> list[Group]:
        """Return all groups; nothing where one call does not do: no moments yet, or several types.

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
            moments = {name: [one[name] for one in held] for name in self._names}
            found.append(Group(group, moments, [one["step"] for one in held], count))
        return found


def moves_of(optimizer: torch.optim.Optimizer) -> Direct | Bare:
    """Return what makes an optimizer's updates."""
    groups = optimizer.param_groups
    if isinstance(optimizer, torch.optim.Adam) and all(group["fused"] for group in groups):
        largest = ["max_exp_avg_sq"] if groups[0]["amsgrad"] else []
        return Direct(optimizer, ["exp_avg", "exp_avg_sq", *largest], _adam)
    if isinstance(optimizer, torch.optim.RMSprop) and not any(group["centered"] for group in groups):
        kept = ["momentum_buffer"] if groups[0]["momentum"] else []
        return Direct(optimizer, ["square_avg", *kept], _rmsprop)
    return Bare(optimizer)


def _adam(group: Group, gradients: list[Tensor]) -> None:
    options, moments = group.options, group.moments
    kernel = torch._fused_adamw_ if options["decoupled_weight_decay"] else torch._fused_adam_
    kernel(
        options["params"],
        gradients,
        moments["exp_avg"],
        moments["exp_avg_sq"],
        moments.get("max_exp_avg_sq", []),
        group.steps,
        lr=options["lr"],
        beta1=options["betas"][0],
        beta2=options["betas"][1],
        weight_decay=options["weight_decay"],
        eps=options["eps"],
        amsgrad=options["amsgrad"],
        maximize=False,
    )


def _rmsprop(group: Group, gradients: list[Tensor]) -> None:
    options, squares, parameters = group.options, group.moments["square_avg"], group.options["params"]
    if options["weight_decay"]:
        gradients = list(torch._foreach_add(gradients, parameters, alpha=options["weight_decay"]))
    torch._foreach_mul_(squares, options["alpha"])
    torch._foreach_addcmul_(squares, gradients, gradients, value=1 - options["alpha"])
    roots = list(torch._foreach_sqrt(squares))
    torch._foreach_add_(roots, options["eps"])
    if not options["momentum"]:
        torch._foreach_addcdiv_(parameters, gradients, roots, value=-options["lr"])
        return
    moves = group.moments["momentum_buffer"]
    torch._foreach_mul_(moves, options["momentum"])
    torch._foreach_addcdiv_(moves, gradients, roots)
    torch._foreach_add_(parameters, moves, alpha=-options["lr"])
