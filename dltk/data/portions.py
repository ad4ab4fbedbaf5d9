"""Portions of samples: a part set aside, a fold, a subset; classes in equal shares, groups never torn apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dltk.config.errors import OptionError, choices_near, did_you_mean, shown
from dltk.config.sections import DataOptions
from dltk.data.packed.cells import PackedCells
from dltk.data.samples import Samples, values_of
from dltk.data.tables.dates import moments
from dltk.data.tables.numbers import absent


@dataclass(frozen=True)
class Kinship:
    """What samples have in common; each is a number per sample, int64 (n,).

    Attributes:
        strata: Portions hold equal shares of each; all 0 where that does not matter.
        classes: Something of each is always left to learn from; None where there are no classes.
        groups: Portions hold all or nothing of each; None where every sample stands for itself.
        moments: The place in time of each, float64 (n,); portions hold the latest. None where order does not matter.
    """

    strata: Tensor
    classes: Tensor | None = None
    groups: Tensor | None = None
    moments: Tensor | None = None

    def __len__(self) -> int:
        return len(self.strata)


def kinship(samples: Samples, options: DataOptions) -> Kinship:
    """Return what decides how samples are split.

    Raises:
        OptionError: There is no such column to group by, or the pattern does not fit.
    """
    labels = samples.labels()
    numbers = torch.zeros(len(samples), dtype=torch.int64) if labels is None else numbered(labels)
    # A combination of values, as of several columns, is no class that must be learned.
    is_class = labels is not None and not any(isinstance(label, tuple) for label in labels[:1])
    strata = numbers if options.stratify == "auto" else torch.zeros_like(numbers)
    moments = _moments(samples, options)
    return Kinship(strata, numbers if is_class and moments is None else None, _groups(samples, options), moments)


def part(kin: Kinship, share: float, seed: int) -> Tensor:
    """Choose a share of the samples to set aside, bool (n,): of ungrouped ones every 1/share-th of each stratum.

    Where samples have moments it is the latest share.
    """
    if kin.moments is not None:
        later = torch.sort(kin.moments, descending=True).values
        return kin.moments >= later[max(round(len(kin) * share), 1) - 1]
    if kin.groups is not None:
        chosen = _dealt(kin, (1 - share, share), seed) == 1
    else:
        position = torch.arange(len(kin), dtype=torch.float64)
        in_order = torch.floor((position + 1) * share + 1e-9) > torch.floor(position * share + 1e-9)
        chosen = torch.empty(len(kin), dtype=torch.bool).scatter_(0, _by_stratum(kin, seed), in_order)
    return _something_left(kin, chosen)


def fold(kin: Kinship, index: int, count: int, seed: int) -> Tensor:
    """Choose the samples of one of `count` folds, bool (n,); each sample is in one, save classes of a single one."""
    if kin.groups is not None:
        numbers = _dealt(kin, (1 / count,) * count, seed)
    else:
        order = _by_stratum(kin, seed)
        numbers = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)) % count)
    return _something_left(kin, numbers == index)


def subset(kin: Kinship, count: int, seed: int) -> Tensor:
    """Return the positions of `count` samples in order, int64 (count,); a larger subset holds a smaller one.

    The first of every class come first, then all classes grow alike.
    """
    strata = kin.strata if kin.classes is None else kin.classes
    order = torch.randperm(len(kin), generator=torch.Generator().manual_seed(seed))
    drawn = strata[order]
    by_stratum, ranks = torch.sort(drawn, stable=True)
    sizes = torch.bincount(strata)
    starts = sizes.cumsum(0) - sizes
    nth = torch.empty_like(order).scatter_(0, ranks, torch.arange(len(order)) - starts[by_stratum])
    return order[torch.argsort(nth / sizes[drawn], stable=True)[:count]].sort().values


def numbered(labels: Iterable[Any]) -> Tensor:
    """Number the labels by first appearance, which unlike a set's order is the same in every process."""
    numbers: dict[Any, int] = {}
    return torch.from_numpy(np.fromiter((numbers.setdefault(label, len(numbers)) for label in labels), np.int64))


def _groups(samples: Samples, options: DataOptions) -> Tensor | None:
    if options.group is not None and options.group_pattern is not None:
        raise OptionError("group_pattern", "give group or group_pattern, not both", id="DLTK-CONFIG-CONFLICT")
    if options.group is not None:
        columns = samples.columns()
        if options.group not in columns:
            raise OptionError(
                "group",
                f"there is no column {shown(options.group)}{did_you_mean(options.group, columns)}",
                allowed=choices_near(options.group, columns),
                id="DLTK-CONFIG-UNKNOWN-COLUMN",
            )
        values = values_of(columns[options.group])
        return numbered(("", i) if value is None else value for i, value in enumerate(values))
    if options.group_pattern is not None:
        return numbered(_matched(samples.names, options.group_pattern))
    return None


def _moments(samples: Samples, options: DataOptions) -> Tensor | None:
    if options.time is None:
        return None
    if options.group is not None or options.group_pattern is not None:
        option = "group" if options.group is not None else "group_pattern"
        raise OptionError(option, "rows of one moment stay together already; give group or time, not both")
    columns = samples.columns()
    if options.time not in columns:
        said = f"there is no column {shown(options.time)}{did_you_mean(options.time, columns)}"
        raise OptionError("time", said, allowed=choices_near(options.time, columns))
    values = values_of(columns[options.time])
    cells = values if isinstance(values, PackedCells) else [None if value is None else str(value) for value in values]
    found = moments(cells)
    if found is None:
        first = next((cell for cell in cells if cell is not None), "")
        raise OptionError("time", f"must be numbers, or dates such as 2026-11-28; the column has {shown(first)}")
    if num_absent := int(absent(cells).sum()):
        without = f"{num_absent} of {len(cells)}"
        raise OptionError("time", f"must say of every row when it is from; {without} have an empty cell")
    return torch.from_numpy(found)


def _matched(names: Sequence[str], pattern: str) -> list[str]:
    """Return what the pattern's first (...), or the whole of it, matches in each name."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise OptionError("group_pattern", f"is no regular expression: {error}", found=shown(pattern)) from None
    matches = [expression.search(name) for name in names]
    unlike = next((name for name, match in zip(names, matches, strict=True) if match is None), None)
    if unlike is not None:
        raise OptionError("group_pattern", f"must match what every sample is called; not found in {shown(unlike)}")
    return [match[min(1, expression.groups)] for match in matches if match is not None]


def _by_stratum(kin: Kinship, seed: int) -> Tensor:
    """Shuffle, then bring equal strata together, so that regular steps meet all alike."""
    order = torch.randperm(len(kin), generator=torch.Generator().manual_seed(seed))
    if not kin.strata.any():  # one stratum, the usual case of counted samples: a stable sort would leave them so
        return order
    return order[torch.argsort(kin.strata[order], stable=True)]


def _dealt(kin: Kinship, shares: Sequence[float], seed: int) -> Tensor:
    """Give each group, large ones first, to the portion that is least full of its strata; return numbers, int64 (n,).

    The last portion gets at least one group.
    """
    assert kin.groups is not None
    members: list[Counter[int]] = [Counter() for _ in range(int(kin.groups.max()) + 1)]
    for group, stratum in zip(kin.groups.tolist(), kin.strata.tolist(), strict=True):
        members[group][stratum] += 1
    totals = torch.bincount(kin.strata).tolist()
    held: list[Counter[int]] = [Counter() for _ in shares]
    shuffled = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed)).tolist()
    order = sorted(shuffled, key=lambda group: -members[group].total())
    given = torch.zeros(len(members), dtype=torch.int64)
    for group in order:
        own = members[group]
        fullness = [
            sum(own[s] * (held[portion][s] + own[s]) / (share * totals[s]) for s in own)
            for portion, share in enumerate(shares)
        ]
        portion = fullness.index(min(fullness))
        held[portion].update(own)
        given[group] = portion
    if not held[-1]:
        given[order[-1]] = len(shares) - 1
    return given[kin.groups]


def _something_left(kin: Kinship, chosen: Tensor) -> Tensor:
    """Leave the first sample, with its group, of every class that would be chosen as a whole."""
    if kin.classes is None:
        return chosen
    num_left = torch.bincount(kin.classes[~chosen], minlength=int(kin.classes.max()) + 1)
    first = torch.full_like(num_left, len(kin)).scatter_reduce_(0, kin.classes, torch.arange(len(kin)), "amin")
    kept = first[num_left == 0]
    if kin.groups is not None:
        return chosen & ~torch.isin(kin.groups, kin.groups[kept])
    return chosen.index_fill(0, kept, value=False)
