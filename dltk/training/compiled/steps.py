"""Compiled steps of one model, that move the parameters and moments of torch's optimizer where they lie."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch
from dltk.data.gathering import Gathering
from dltk.training.compiled.machine_code import repeating
from dltk.training.compiled.rules import Rule
from dltk.training.compiled.tracing import (
    CannotCompile,
    Learned,
    Loss,
    Signature,
    fields_of,
    held,
    score_names,
    traced,
)

MOST_STEPS = 512
MOST_BYTES = 2**24
"""At most so many steps are made in a call, from batches of at most so much together."""


@dataclass(frozen=True)
class Stops:
    """After which steps of a run something is due: a call ends there.

    Attributes:
        last: The run's last step; None where that is not known.
        periods: After every so many steps.
    """

    last: int | None = None
    periods: Collection[int] = ()

    def next(self, step: int) -> int | None:
        """Return the first of them behind a step, or None."""
        found = [period * (step // period + 1) for period in self.periods]
        return min([*found, *([] if self.last is None or self.last <= step else [self.last])], default=None)


class CompiledSteps:
    """Makes many updates in one call; how many does not change what any of them computes.

    Args:
        model: What learns.
        loss: Of a batch.
        optimizer: torch's, with one group, whose update the rule is.
        rule: Likewise.
        batch: Batches of its shape are taken, no others.
        most: Batches in an epoch.
        processor: What the code is made for.

    Raises:
        CannotCompile: With the reason.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        rule: Rule,
        batch: Batch,
        *,
        most: int,
        processor: str,
    ) -> None:
        self._learned, self._optimizer, self._rule = Learned(model, loss), optimizer, rule
        self._parameters = [each for each in model.parameters() if each.requires_grad]
        if {(each.dtype, each.device.type) for each in self._parameters} != {_KIND}:
            raise CannotCompile("its parameters are not all float32 on the CPU")
        fields = fields_of(batch)
        self._num_samples, self._shapes = batch.num_samples, [(each.shape[1:], each.dtype) for each in fields]
        each_bytes = max(1, sum(field.nbytes for field in fields))
        self.most = max(1, min(most, MOST_STEPS, MOST_BYTES // each_bytes))
        self._fields = [field.new_zeros((self.most, *field.shape)) for field in fields]
        self._rates = torch.zeros(self.most, dtype=torch.float64)
        self._is_alone = not any(held(self._learned))
        self.scores = score_names(self._learned, batch)
        size = sum(each.numel() for each in self._parameters)
        vectors = [torch.zeros(size) for _ in range(1 + len(rule.moments))]
        scalars = [torch.zeros((), dtype=torch.float64) for _ in range(1 + len(self.scores))]
        number, count = torch.tensor(0), torch.tensor(1)
        carried = [number, *vectors, *scalars]
        signature = Signature(carried, [count, self._rates, *self._held(), *self._fields])
        step = traced(self._learned, rule, batch, signature, self.scores)
        self._constants = step.constants
        self._repeat = repeating(step, signature, processor)

    def taken(self, batches: Iterator[Batch], most: int) -> tuple[Batch, int] | None:
        """Return the next batches as one, and how many they are; None at the end.

        There are several only where they are of the shape that was compiled.
        """
        if isinstance(batches, Gathering) and self._has_moments():
            several: Batch | None = batches.together(self._num_samples, min(most, self.most))
            if several is not None:
                return several, several.num_samples // self._num_samples
        single = next(batches, None)
        return None if single is None else (single, 1)

    def fits(self, batch: Batch, count: int = 1) -> bool:
        """Return whether so many batches, as one, are of the shape that was compiled, and there are moments."""
        if batch.num_samples != count * self._num_samples or not self._has_moments():
            return False
        return [(each.shape[1:], each.dtype) for each in fields_of(batch)] == self._shapes

    @torch.no_grad()
    def __call__(self, batch: Batch, rates: Sequence[float], sums: Sequence[Tensor]) -> None:
        """Move once for each rate, and add each part of the loss, times samples, to its sum, float64.

        Args:
            batch: As many batches as there are rates, one behind the other.
            rates: The learning rates.
            sums: Of the parts of the loss, by the names in `scores`.
        """
        count, state = len(rates), self._optimizer.state
        for place, field in zip(self._fields, fields_of(batch), strict=True):
            place[:count].view_as(field).copy_(field)
        self._rates[:count] = torch.tensor(rates, dtype=torch.float64)
        moved = [list(self._parameters), *([state[each][name] for each in self._parameters] for name in self._names)]
        counters = [state[each]["step"] for each in self._parameters if "step" in state.get(each, {})]
        made = counters[0].double() if counters else torch.zeros((), dtype=torch.float64)
        carried = [torch.tensor(0), *map(_flat, moved), made, *sums]
        given = [torch.tensor(count), self._rates, *self._held(), *self._fields, *self._constants]
        _, *after = self._repeat([*carried, *given])
        for tensors, values in zip(moved, after, strict=False):
            sizes = [each.numel() for each in tensors]
            parts = [part.view(each.shape) for part, each in zip(torch.split(values, sizes), tensors, strict=True)]
            torch._foreach_copy_(tensors, parts)
        for total, value in zip(sums, after[len(moved) + 1 :], strict=True):
            total.copy_(value)
        if counters:
            torch._foreach_add_(counters, count)

    @property
    def _names(self) -> Sequence[str]:
        return self._rule.moments

    def _has_moments(self) -> bool:
        state: Any = self._optimizer.state
        return all(name in state.get(self._parameters[0], {}) for name in self._names)

    def _held(self) -> list[Tensor]:
        return [] if self._is_alone else [tensor.detach() for _, tensor in held(self._learned)]


_KIND = (torch.float32, "cpu")


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([each.detach().reshape(-1) for each in tensors])
