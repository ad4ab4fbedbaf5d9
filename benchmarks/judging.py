"""What word vectors and factors are worth on what was held out: the same lines for all who learned them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import Material
from benchmarks.stars import MIDDLE
from benchmarks.workloads import Workload

Array = NDArray[Any]


def judged(workload: Workload, material: Material, weights: Sequence[Array]) -> dict[str, float]:
    """Return the loss, and where there is one the score, of what was learned; nothing where training tells enough.

    Args:
        workload: What was learned.
        material: With what was held out.
        weights: In the order of dltk's model.
    """
    judge = _JUDGES.get(workload.material)
    return {} if judge is None else judge(material, weights)


def rank_correlation(one: Array, other: Array) -> float:
    """Return Spearman's; those that are alike share a rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Array) -> Array:
    """Return places from small to large; those that are alike share the mean of theirs."""
    _, kinds, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (counts.cumsum() - (counts - 1) / 2)[kinds]
    return ranks


def _words(material: Material, weights: Sequence[Array]) -> dict[str, float]:
    """Return the loss per pair of neighbours with its negatives, and how people's likeness goes with the cosine."""
    words, around = weights[:2]
    (seen, near), drawn = material.array("held_pairs").T, material.array("held_drawn")
    total = 0.0
    for some in np.array_split(np.arange(len(seen)), 1 + len(seen) // 10_000):
        left = words[seen[some]]
        total += np.logaddexp(0, -(left * around[near[some]]).sum(1)).sum(dtype=np.float64)
        total += np.logaddexp(0, np.einsum("nd,nkd->nk", left, around[drawn[some]])).sum(dtype=np.float64)
    unit = words / np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-30)
    one, other = material.array("pairs").T
    likeness = rank_correlation((unit[one] * unit[other]).sum(1), material.array("people"))
    return {"loss": total / len(seen), "score": likeness}


def _ratings(material: Material, weights: Sequence[Array]) -> dict[str, float]:
    """Return the root of the mean squared error in stars; no rating is below 1 or above 5."""
    vectors, numbers = weights
    one, other = material.array("held_ids").T
    outputs = (vectors[one] * vectors[other]).sum(1) + numbers[one] + numbers[other]
    stars = (MIDDLE + outputs.astype(np.float64)).clip(1, 5)
    return {"loss": float(np.sqrt(((stars - material.array("held_stars")) ** 2).mean()))}


_JUDGES: Mapping[str, Callable[[Material, Sequence[Array]], dict[str, float]]] = {"words": _words, "ratings": _ratings}
