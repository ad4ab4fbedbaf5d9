"""A user's own inputs: what is the matter with each, which can be answered, and their answers in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from dltk.config.errors import DataError, at_most_shown
from dltk.data.batches import Batches, Loading
from dltk.data.samples import Explaining, Preparation
from dltk.data.splits import parsed
from dltk.experiment.other_data import say_notes
from dltk.training.task import Answer

INVALID = "invalid"


@dataclass(frozen=True)
class Opened:
    """Inputs that were read.

    Attributes:
        names: What the user calls each.
        statuses: "ok", or what is the matter with it.
        reasons: Why an invalid one is; "" for others, and where the preparation cannot tell.
        batches: All but the invalid ones; None where there is no other.
    """

    names: Sequence[str]
    statuses: Sequence[str]
    reasons: Sequence[str]
    batches: Batches | None

    def refuse_invalid(self) -> None:
        """Refuse inputs of which some cannot be read.

        Raises:
            DataError: It names them.
        """
        facts = zip(self.names, self.statuses, self.reasons, strict=True)
        invalid = [f"{name}: {reason}" if reason else name for name, status, reason in facts if status == INVALID]
        if invalid:
            raise DataError("there are inputs that cannot be read", found=at_most_shown(invalid))

    def rows(self, answers: Iterable[Answer]) -> list[dict[str, Any]]:
        """Return rows for every input: `input`, `status`, `reason` if one has a reason, and what was answered."""
        following, rows = iter(answers), []
        is_explained = any(self.reasons)
        for name, status, reason in zip(self.names, self.statuses, self.reasons, strict=True):
            facts = {"input": name, "status": status, **({"reason": reason} if is_explained else {})}
            answer = () if status == INVALID else next(following)
            rows += [{**facts, **row} for row in answer or [{}]]
        return rows


def open_inputs(preparation: Preparation, inputs: Sequence[str], loading: Loading) -> Opened:
    """Read a user's inputs as a run's data were prepared.

    Raises:
        MissingInput: One of them is not there.
        DataError: One of them is no file of this kind of data.
    """
    samples: Any = preparation.open(inputs)
    say_notes(samples)
    statuses = preparation.statuses(samples)
    valid = [i for i, status in enumerate(statuses) if status != INVALID]
    reasons = _reasons(preparation, samples, statuses)
    batches = parsed(preparation, samples.take(torch.tensor(valid)), loading) if valid else None
    return Opened(samples.names, statuses, reasons, batches)


def _reasons(preparation: Preparation, samples: Any, statuses: Sequence[str]) -> list[str]:
    invalid = [i for i, status in enumerate(statuses) if status == INVALID]
    reasons = [""] * len(statuses)
    if invalid and isinstance(preparation, Explaining):
        for i, reason in zip(invalid, preparation.reasons(samples.take(torch.tensor(invalid))), strict=True):
            reasons[i] = reason
    return reasons
