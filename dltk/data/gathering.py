"""The batches of an epoch whose samples lie in memory: one by one, or several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from torch import Tensor

Batched = TypeVar("Batched")


class Gathering(Generic[Batched]):
    """Yields the batches of an epoch.

    Args:
        parts: Indices of the samples of each batch.
        gather: Makes one batch.
        join: Makes one of several.
    """

    def __init__(
        self,
        parts: Sequence[Tensor],
        gather: Callable[[Tensor], Batched],
        join: Callable[[Sequence[Tensor]], Batched],
    ) -> None:
        self._parts, self._gather, self._join, self._next = parts, gather, join, 0

    def __iter__(self) -> Gathering[Batched]:
        """Return itself: an epoch is met once."""
        return self

    def __next__(self) -> Batched:
        """Return the next batch."""
        if self._next == len(self._parts):
            raise StopIteration
        self._next += 1
        return self._gather(self._parts[self._next - 1])

    def together(self, size: int, most: int) -> Batched | None:
        """Return the next batches that have `size` samples each, at most so many, joined; None where the next has not.

        Every sample has the bits that it has in a batch by itself.
        """
        begin = end = self._next
        while end < min(begin + most, len(self._parts)) and len(self._parts[end]) == size:
            end += 1
        self._next = end
        return self._join(self._parts[begin:end]) if end > begin else None
