"""Blocks: the training samples of a model that is fitted to all of them, a bounded part at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dltk.config.errors import DataError
from dltk.data.batches import Batch
from dltk.data.fields import num_bytes_of

MIN_SAMPLES = 4096
MIN_BYTES = 1 << 25


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
