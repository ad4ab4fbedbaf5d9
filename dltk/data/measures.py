"""What can be said of one input or target after seeing it batch by batch: ranges, lengths, balance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from dltk.data.fields import Field, Ragged, tensors_of
from dltk.data.specs import Bag, Boxes, Classes, Ids, Image, Masks, Modality, Numbers, Target, Tokens

Facts = dict[str, Any]
"""Plain JSON values."""
PADDING, UNKNOWN = "<pad>", "<unk>"
_LONG = 0.95


class Measure(Protocol):
    """Sees the fields of one input or target, and says what they have in common."""

    def add(self, field: Field) -> None:
        """See the field of one batch."""

    def facts(self) -> Facts:
        """Return what was seen."""


def measure_of(kind: Modality | Target) -> Measure:
    """Return what suits a modality or a target."""
    if isinstance(kind, Classes):
        return Balance(kind.names)
    if isinstance(kind, (Boxes, Masks)):
        return Objects(kind.names) if isinstance(kind, Boxes) else Balance(kind.names)
    if isinstance(kind, (Tokens, Bag)):
        return Lengths(kind.vocabulary if isinstance(kind, Tokens) else ())
    if isinstance(kind, Ids):
        return Identities()
    if isinstance(kind, Numbers):
        return Values(kind.names)
    channels = kind.channels if isinstance(kind, Image) else 1
    return Values([f"channel {i}" for i in range(channels)] if channels > 1 else ["all"])


class Values:
    """Smallest, largest, mean and deviation of numbers; for several features each, in the second dimension.

    Batches are summed as they are, about their own mean, and joined in float64 (Chan et al. 1979, eq. 2.1): widening
    every number first takes a hundred times as long.

    Args:
        features: Their names; one: everything is one feature.
    """

    def __init__(self, features: Sequence[str]) -> None:
        count = len(features)
        self._features, self._count = features, 0
        self._means, self._squares = torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
        self._low = torch.full((count,), torch.inf, dtype=torch.float64)
        self._high = -self._low

    def add(self, field: Field) -> None:
        """See floats (B, features, ...)."""
        several = len(self._features) > 1
        for tensor in tensors_of(field)[:1] if isinstance(field, Ragged) else tensors_of(field):
            rows = tensor.transpose(0, 1).reshape(len(self._features), -1) if several else tensor.reshape(1, -1)
            self._join(rows if rows.is_floating_point() else rows.double())
            self._low = torch.minimum(self._low, rows.amin(1))
            self._high = torch.maximum(self._high, rows.amax(1))

    def facts(self) -> Facts:
        """Return the range of all, and means and deviations per feature."""
        deviations = (self._squares / max(self._count, 1)).sqrt()
        columns = zip(
            self._features, *(v.tolist() for v in (self._low, self._high, self._means, deviations)), strict=True
        )
        return {name: dict(zip(("min", "max", "mean", "deviation"), values, strict=True)) for name, *values in columns}

    def _join(self, rows: Tensor) -> None:
        means = rows.mean(1)
        squares = (rows - means[:, None]).square_().sum(1).double()
        count, total = rows.shape[1], self._count + rows.shape[1]
        apart = means.double() - self._means
        self._squares += squares + apart.square() * (self._count * count / total)
        self._means += apart * (count / total)
        self._count = total


class Lengths:
    """How long sequences are without their padding, and how many of their tokens are unknown.

    Args:
        vocabulary: Of tokens; empty where they have no names.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        reserved = vocabulary[:8]
        self._padding = reserved.index(PADDING) if PADDING in reserved else None
        self._unknown = reserved.index(UNKNOWN) if UNKNOWN in reserved else None
        self._lengths: list[Tensor] = []
        self._num_unknown = 0

    def add(self, field: Field) -> None:
        """See int sequences (B, length), ragged ones, or a list of them."""
        if isinstance(field, Ragged):
            self._see(field.values, field.lengths)
        elif isinstance(field, Tensor):
            is_token = torch.ones_like(field, dtype=torch.bool) if self._padding is None else field != self._padding
            self._see(field[is_token], is_token.sum(1))
        else:
            self._see(torch.cat(field), torch.tensor([len(sequence) for sequence in field]))

    def facts(self) -> Facts:
        """Return how the lengths are distributed, and the share of unknown tokens where one stands for them."""
        lengths = torch.cat(self._lengths)
        facts: Facts = {"length": distribution(lengths)}
        if self._unknown is not None:
            facts["unknown_share"] = self._num_unknown / max(int(lengths.sum()), 1)
        return facts

    def _see(self, tokens: Tensor, lengths: Tensor) -> None:
        self._lengths.append(lengths.cpu())
        if self._unknown is not None:
            self._num_unknown += int((tokens == self._unknown).sum())


class Balance:
    """How often each class comes.

    Args:
        names: Of the classes.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._counts = torch.zeros(len(names), dtype=torch.int64)

    def add(self, field: Field) -> None:
        """See class numbers of any shape, or float 0/1 (B, classes)."""
        assert isinstance(field, Tensor)
        if field.is_floating_point():
            self._counts += field.sum(0).round().long().cpu()
        else:
            known = field[(field >= 0) & (field < len(self._names))]  # pixels may have no class
            self._counts += torch.bincount(known.flatten(), minlength=len(self._names)).cpu()

    def facts(self) -> Facts:
        """Return the count of each class."""
        return dict(zip(self._names, self._counts.tolist(), strict=True))


class Objects:
    """How many objects images have, and how often each class comes.

    Args:
        names: Of the classes.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._balance = Balance(names)
        self._counts: list[int] = []

    def add(self, field: Field) -> None:
        """See a list of (k, 5) tensors that end in the class."""
        for boxes in field if isinstance(field, list) else ():
            self._counts.append(len(boxes))
            self._balance.add(boxes[:, 4].long())

    def facts(self) -> Facts:
        """Return the count of each class, and how many objects there are per image."""
        return {**self._balance.facts(), "objects per image": distribution(torch.tensor(self._counts))}


class Identities:
    """How many different ids come."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def add(self, field: Field) -> None:
        """See ids of any shape."""
        assert isinstance(field, Tensor)
        self._known |= set(torch.unique(field).tolist())

    def facts(self) -> Facts:
        """Return their number."""
        return {"different": len(self._known)}


def distribution(counts: Tensor) -> Facts:
    """Return how whole numbers are distributed: min, median, mean, the 95th percentile and max."""
    if len(counts) == 0:
        return {}
    ordered = counts.sort().values
    at = {"min": 0, "median": len(ordered) // 2, "95 %": math.ceil(_LONG * len(ordered)) - 1, "max": len(ordered) - 1}
    return {**{name: int(ordered[place]) for name, place in at.items()}, "mean": float(ordered.double().mean())}
