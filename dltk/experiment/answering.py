"""A user's own inputs: what is the matter with each, which can be answered, and their answers in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import DataError, at_most_shown
from dltk.data.batches import Batches, Loading
from dltk.data.samples import Columns, Explaining, Preparation
from dltk.data.splits import parsed
from dltk.experiment.other_data import say_notes
from dltk.training.task import Answer

INVALID = "invalid"
PORTION_BYTES = 1 << 23
"""About so much of long texts is answered at a time."""


@dataclass(frozen=True)
class Opened:
    """Inputs that were read.

    Attributes:
        names: What the user calls each.
        statuses: "ok", or what is the matter with it.
        reasons: Why an invalid one is; "" for others, and where the preparation cannot tell.
        samples: All of them, raw.
        parsed: Turns those into batches that are not invalid.
    """

    names: Sequence[str]
    statuses: Sequence[str]
    reasons: Sequence[str]
    samples: Any
    parsed: Callable[[Any], Batches]

    @property
    def batches(self) -> Batches | None:
        """All but the invalid ones; None where there is no other."""
        valid = self._valid()
        return self.parsed(self.samples.take(valid)) if len(valid) else None

    def portion(self, most: int, batch_size: int) -> int:
        """Return how many samples are answered at a time, at most so many, fewer where texts are long.

        They are whole batches, so that each batch is one of all inputs at once.
        """
        num_bytes = self.samples.text_bytes if isinstance(self.samples, Columns) else 0
        fitting = min(most, len(self.samples) * PORTION_BYTES // num_bytes) if num_bytes else most
        return max(1, fitting // batch_size) * batch_size

    def portions(self, num_samples: int) -> Iterator[Batches]:
        """Yield all but the invalid ones, so many at a time."""
        for some in torch.split(self._valid(), num_samples):
            if len(some):
                yield self.parsed(self.samples.take(some))

    def _valid(self) -> Tensor:
        valid = (i for i, status in enumerate(self.statuses) if status != INVALID)
        return torch.from_numpy(np.fromiter(valid, np.int64))

    def refuse_invalid(self) -> None:
        """Refuse inputs of which some cannot be read.

        Raises:
            DataError: It names them.
        """
        facts = zip(self.names, self.statuses, self.reasons, strict=True)
        invalid = [f"{name}: {reason}" if reason else name for name, status, reason in facts if status == INVALID]
        if invalid:
            raise DataError("there are inputs that cannot be read", found=at_most_shown(invalid))

    def rows(self, answers: Iterable[Answer]) -> Iterator[dict[str, Any]]:
        """Yield rows for every input: `input`, `status`, `reason` if one has a reason, and what was answered."""
        following = iter(answers)
        is_explained = any(self.reasons)
        for name, status, reason in zip(self.names, self.statuses, self.reasons, strict=True):
            facts = {"input": name, "status": status, **({"reason": reason} if is_explained else {})}
            answer = () if status == INVALID else next(following)
            yield from ({**facts, **row} for row in answer or [{}])


def open_inputs(preparation: Preparation, inputs: Sequence[str], loading: Loading) -> Opened:
    """Read a user's inputs as a run's data were prepared.

    Raises:
        MissingInput: One of them is not there.
        DataError: One of them is no file of this kind of data.
    """
    samples: Any = preparation.open(inputs)
    say_notes(samples)
    statuses = preparation.statuses(samples)
    reasons = _reasons(preparation, samples, statuses)
    return Opened(samples.names, statuses, reasons, samples, lambda some: parsed(preparation, some, loading))


def _reasons(preparation: Preparation, samples: Any, statuses: Sequence[str]) -> list[str]:
    invalid = [i for i, status in enumerate(statuses) if status == INVALID]
    reasons = [""] * len(statuses)
    if invalid and isinstance(preparation, Explaining):
        for i, reason in zip(invalid, preparation.reasons(samples.take(torch.tensor(invalid))), strict=True):
            reasons[i] = reason
    return reasons
