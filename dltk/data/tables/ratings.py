"""Ratings among a user's own tables: who rated what how, and what to write in a config for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltk.config.errors import shown
from dltk.data.packed.cells import PackedTable
from dltk.data.proposals import KeyPlace, Proposal
from dltk.data.tables.tallies import num_different

_USER = re.compile(r"(?i)(?:user|customer|member|reviewer|viewer|reader)s?(?:[_ ]?(?:id|no|name))?|사용자|고객")
_ITEM = re.compile(r"(?i)(?:item|movie|film|product|book|song|track|game|article)s?(?:[_ ]?(?:id|no|name))?|영화|상품")
_MOST_STEPS = 20
_MOST_CELLS = 250_000_000
_FEWEST_EACH = 2


def proposed_ratings(path: Path, table: PackedTable, target: str, options: Mapping[str, Any]) -> Proposal | None:
    """Return a config for a table of users, items and ratings; None where it is none.

    Users and items become one 0/1 each, so that a linear model learns a bias of every user and item: the baseline of
    Koren et al. 2009 (eq. 1).

    Args:
        path: Of the table.
        table: Its cells.
        target: The column of ratings.
        options: How the table is read.
    """
    user, item = (_named(table.columns, pattern, target) for pattern in (_USER, _ITEM))
    if user is None or item is None or num_different(table[target]) > _MOST_STEPS:
        return None
    counts = {name: num_different(table[name]) for name in (user, item)}
    num_rows = len(table)
    if min(num_rows / count for count in counts.values()) < _FEWEST_EACH:
        return None
    others = [name for name in table.columns if name not in {user, item, target}]
    kept = max(2, min(max(counts.values()), _MOST_CELLS // num_rows))
    data: dict[str, Any] = {"path": str(path), "target": target, "target_kind": "numbers", **options}
    data |= {"categories": [user, item], "max_categories": kept, **({"drop": others} if others else {})}
    comments: dict[KeyPlace, str] = {
        ("data", "target_kind"): "steps of a scale are numbers: an error of one step is less than one of three",
        ("data", "max_categories"): f"of {counts[user]:,} users and {counts[item]:,} items; the rarest count as one",
        ("model", "name"): "a bias for every user and item; there is no matrix factorisation yet",
    }
    training: dict[str, dict[str, Any]] = {
        "model": {"name": "linear"},
        "optimizer": {"name": "adamw", "lr": 0.01},
        "train": {"epochs": 10},
    }
    training["early_stopping"] = {"patience": 3}
    found = f"{num_rows:,} ratings {shown(target)} by {counts[user]:,} {user} of {counts[item]:,} {item}"
    return Proposal({"data": data, **training}, 1.0, comments, [found])


def _named(columns: Sequence[str], pattern: re.Pattern[str], target: str) -> str | None:
    return next((name for name in columns if name != target and pattern.fullmatch(name.strip())), None)
