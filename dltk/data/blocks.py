"""Training samples that can be met again and again: an epoch, and blocks for a model that is fitted to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dltk.config.errors import DataError
from dltk.data.batches import Batch, Batches
from dltk.data.fields import num_bytes_of

MIN_SAMPLES = 4096
MIN_BYTES = 1 << 25


@dataclass(frozen=True)
class Epoch:
    """What is left of an epoch: the same batches in the same order, whenever they are asked for.

    Attributes:
        batches: Whose epoch it is.
        number: Which one, from 0.
        start: How many of its batches are behind.
    """

    batches: Batches
    number: int
    start: int = 0

    def __iter__(self) -> Iterator[Batch]:
        return self.batches.epoch(self.number, start=self.start)


class Blocks:
    """Batches, joined until a block has enough samples or bytes; every pass gives the same blocks in the same order.

    Where samples lie, and how many are in a batch, changes no bit of a sum over blocks as long as batches divide them.

    Args:
        batches: They may be asked for again and again.
    """

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self._num_batches: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        """Yield the blocks.

        Raises:
            DataError: There are not as many batches as in an earlier pass.
        """
        count, waiting, num_samples, num_bytes = 0, list[Batch](), 0, 0
        for batch in self._batches:
            count += 1
            waiting.append(batch)
            num_samples, num_bytes = num_samples + batch.num_samples, num_bytes + _num_bytes(batch)
            if num_samples >= MIN_SAMPLES or num_bytes >= MIN_BYTES:
                yield Batch.joined(waiting)
                waiting, num_samples, num_bytes = [], 0, 0
        if waiting:
            yield Batch.joined(waiting)
        self._refuse_others(count)

    @property
    def num_batches(self) -> int:
        """Batches of a pass."""
        if self._num_batches is None:
            for _ in self:
                pass
        return self._num_batches or 0

    def _refuse_others(self, count: int) -> None:
        if self._num_batches not in {None, count}:
            raise DataError(
                "the training data cannot be met twice",
                found=f"{count} batches",
                expected=f"{self._num_batches}, as before",
                do="let `epoch` of the data set give the same batches whenever it is called with the same number",
            )
        self._num_batches = count


def _num_bytes(batch: Batch) -> int:
    return sum(map(num_bytes_of, batch.inputs.values() if isinstance(batch.inputs, Mapping) else [batch.inputs]))
