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
from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.compiled.one_step import Learned, Loss, fields_of, held, score_names, step_with
from dltk.training.compiled.rules import Rule
from dltk.training.probing import undisturbed

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


class Vector:
    """Tensors of the shapes of others, one behind the other in one."""

    def __init__(self, others: Sequence[Tensor]) -> None:
        sizes = [each.numel() for each in others]
        self.flat = torch.zeros(sum(sizes))
        parts = torch.split(self.flat, sizes)
        self.parts = [part.view(each.shape) for part, each in zip(parts, others, strict=True)]


class Shape:
    """Batches of one shape, and the room where those of a call are put.

    Args:
        batch: Of the shape.
        most: At most so many are put there, unless together they are too large.
        num_numbers: How many numbers an update is made with.
    """

    def __init__(self, batch: Batch, most: int, num_numbers: int) -> None:
        fields = fields_of(batch)
        self.batch, self.num_samples = batch, batch.num_samples
        self.most = max(1, min(most, MOST_STEPS, MOST_BYTES // max(1, sum(field.nbytes for field in fields))))
        self._kinds = [(each.shape[1:], each.dtype) for each in fields]
        self._count = torch.tensor(0)
        self._paces = torch.zeros(self.most, num_numbers)
        self._fields = [field.new_zeros((self.most, *field.shape)) for field in fields]

    def fits(self, batch: Batch, count: int = 1) -> bool:
        """Return whether so many batches, as one, are of the shape."""
        if batch.num_samples != count * self.num_samples:
            return False
        return [(each.shape[1:], each.dtype) for each in fields_of(batch)] == self._kinds

    def put(self, batch: Batch, paces: Sequence[Sequence[float]]) -> None:
        """Put as many batches there as there are updates, each with its numbers."""
        count = len(paces)
        for place, field in zip(self._fields, fields_of(batch), strict=True):
            place[:count].view_as(field).copy_(field)
        self._paces[:count] = torch.tensor(paces)
        self._count.fill_(count)

    def clear(self) -> None:
        """Put none there."""
        self._count.fill_(0)

    def given(self, kept: Sequence[Tensor]) -> list[Tensor]:
        """Return what a step is given, beside what it carries; `kept` stays as it is."""
        return [self._count, self._paces, *kept, *self._fields]


@dataclass(frozen=True)
class Portion:
    """Batches of one shape, one behind the other, as one.

    Attributes:
        batch: All of them.
        count: How many they are.
        shape: None where it was not compiled.
    """

    batch: Batch
    count: int
    shape: Shape | None


class CompiledSteps:
    """Makes many updates in one call; how many does not change what any of them computes.

    Args:
        model: What learns.
        loss: Of a batch.
        optimizer: torch's, with one group, whose update the rule is.
        rule: Likewise.
        batches: One of each shape, in the order in which an epoch meets them.
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
        batches: Sequence[Batch],
        *,
        most: int,
        processor: str,
    ) -> None:
        self._learned, self._optimizer, self._rule = Learned(model, loss), optimizer, rule
        self._parameters = [each for each in model.parameters() if each.requires_grad]
        if {(each.dtype, each.device.type) for each in self._parameters} != {_KIND}:
            raise CannotCompile("its parameters are not all float32 on the CPU")
        self._shapes = [Shape(batch, most, len(rule.pace(0.0, 1))) for batch in batches]
        self._is_alone = not any(held(self._learned))
        self.scores = score_names(self._learned, batches[0])
        self._vectors = [Vector(self._parameters) for _ in range(1 + len(rule.moments))]
        sums = [torch.zeros((), dtype=torch.float64) for _ in self.scores]
        carried = [torch.tensor(0), *(each.flat for each in self._vectors), *sums]
        with undisturbed(model):
            steps = [
                step_with(self._learned, rule, shape.batch, self.scores, (carried, shape.given(self._held())))
                for shape in self._shapes
            ]
            self._repeat = repeating(steps, processor)
        self._constants = [step.constants for step in steps]

    def taken(self, batches: Iterator[Batch], most: int) -> list[Portion]:
        """Return the next batches, at most so many, those of one shape as one; nothing at the end.

        There are several only where they are of shapes that were compiled.
        """
        found = self._several(batches, most) if isinstance(batches, Gathering) and self._has_moments() else []
        if found:
            return found
        single = next(batches, None)
        return [] if single is None else [Portion(single, 1, self._shape_of(single))]

    @torch.no_grad()
    def __call__(self, portions: Sequence[Portion], rates: Sequence[float], sums: Sequence[Tensor]) -> None:
        """Move once for each rate, and add each part of the loss, times samples, to its sum, float64.

        Args:
            portions: As many batches as there are rates, of shapes that were compiled.
            rates: The learning rates.
            sums: Of the parts of the loss, by the names in `scores`.
        """
        state = self._optimizer.state
        counters = [state[each]["step"] for each in self._parameters if "step" in state.get(each, {})]
        made = int(counters[0]) if counters else 0
        left = [self._rule.pace(rate, number) for number, rate in enumerate(rates, made + 1)]
        for shape in self._shapes:
            shape.clear()
        for portion in portions:
            assert portion.shape is not None
            portion.shape.put(portion.batch, left[: portion.count])
            del left[: portion.count]
        moved = [self._parameters, *([state[each][name] for each in self._parameters] for name in self._rule.moments)]
        for vector, tensors in zip(self._vectors, moved, strict=True):
            torch._foreach_copy_(vector.parts, tensors)
        carried = [torch.tensor(0), *(each.flat for each in self._vectors), *sums]
        given = zip(self._shapes, self._constants, strict=True)
        kept = self._held()
        _, *after = self._repeat([*carried, *(each for shape, own in given for each in [*shape.given(kept), *own])])
        for vector, tensors, values in zip(self._vectors, moved, after, strict=False):
            vector.flat.copy_(values)
            torch._foreach_copy_(tensors, vector.parts)
        for total, value in zip(sums, after[len(moved) :], strict=True):
            total.copy_(value)
        if counters:
            torch._foreach_add_(counters, len(rates))

    def _several(self, batches: Gathering[Batch], most: int) -> list[Portion]:
        found = []
        for shape in self._shapes:
            several = batches.together(shape.num_samples, min(most, shape.most))
            if several is not None:
                found.append(Portion(several, several.num_samples // shape.num_samples, shape))
                most -= found[-1].count
        return found

    def _shape_of(self, batch: Batch) -> Shape | None:
        """Return the shape of a batch that can be learned; None where it was not compiled, or there are no moments."""
        return next((each for each in self._shapes if self._has_moments() and each.fits(batch)), None)

    def _has_moments(self) -> bool:
        state: Any = self._optimizer.state
        return all(name in state.get(self._parameters[0], {}) for name in self._rule.moments)

    def _held(self) -> list[Tensor]:
        return [] if self._is_alone else [tensor.detach() for _, tensor in held(self._learned)]


_KIND = (torch.float32, "cpu")
