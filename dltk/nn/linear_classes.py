"""Linear classifiers, fitted to the end by L-BFGS: loss and gradient are sums over blocks of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.special

KEPT_BYTES = 1 << 29
"""Blocks that take at most so much are kept for the next pass; larger ones are made anew in each."""
TOLERANCE = 1e-4
MAX_TRIES_ON_A_LINE = 50


class Block(NamedTuple):
    """Some samples as the solver multiplies them, float64.

    Attributes:
        features: (n, D), a numpy array or a sparse matrix by rows.
        truth: (n, K), 1 where the sample is of the class, or has the label.
    """

    features: Any
    truth: Any

    @property
    def nbytes(self) -> int:
        """What the features take."""
        parts = self.features
        held = [parts.data, parts.indices, parts.indptr] if scipy.sparse.issparse(parts) else [parts]
        return sum(part.nbytes for part in held)


class Kept:
    """Blocks that can be met again and again.

    Args:
        make: Begins a pass over the samples.
    """

    def __init__(self, make: Callable[[], Iterable[Block]]) -> None:
        self._make = make
        self._kept: list[Block] | None = None
        self._is_large = False

    def __iter__(self) -> Iterator[Block]:
        if self._kept is not None:
            yield from self._kept
            return
        kept, num_bytes = list[Block](), 0
        for block in self._make():
            num_bytes += block.nbytes
            self._is_large = self._is_large or num_bytes > KEPT_BYTES
            kept = [] if self._is_large else [*kept, block]
            yield block
        if not self._is_large:
            self._kept = kept


@dataclass(frozen=True)
class Chosen:
    """Blocks with some columns of the truth.

    Attributes:
        blocks: They can be met again and again.
        outputs: Which columns.
    """

    blocks: Iterable[Block]
    outputs: Sequence[int]

    def __iter__(self) -> Iterator[Block]:
        return (Block(features, truth[:, self.outputs]) for features, truth in self.blocks)


@dataclass(frozen=True)
class Tally:
    """What a pass over all samples counts.

    Attributes:
        num_samples: How many there are.
        sizes: (num_outputs,) how many of them are of each class, or have each label.
        shares: (num_outputs, D) the sums of their features; for log_count_ratio.
        total: (D,) the sums of all features; likewise.
    """

    num_samples: int
    sizes: Any
    shares: Any
    total: Any

    def log_count_ratio(self, output: int, smoothing: float) -> Any:
        """Return (D,): ln of how much larger a feature's share is in the samples of an output than in the others."""
        yes, no = (counts + smoothing for counts in (self.shares[output], self.total - self.shares[output]))
        return np.log(yes / yes.sum()) - np.log(no / no.sum())


Cost = Callable[[Any, Any], tuple[float, Any]]
"""(outputs (n, K), truth (n, K)) -> the summed loss, and its slope in the outputs, (n, K)."""


def alone(outputs: Any, truth: Any) -> tuple[float, Any]:
    """Return the cross-entropy of outputs that are log-odds, each by itself."""
    loss = np.logaddexp(0, outputs) - truth * outputs
    return float(loss.sum()), scipy.special.expit(outputs) - truth


def among(outputs: Any, truth: Any) -> tuple[float, Any]:
    """Return the cross-entropy of outputs of which each is for one class among all."""
    logs = scipy.special.log_softmax(outputs, axis=1)
    return -float((truth * logs).sum()), np.exp(logs) - truth


class Fitted(NamedTuple):
    """What was found.

    Attributes:
        weight: (K, D).
        bias: (K,).
        is_found: Whether the search came to its end.
    """

    weight: Any
    bias: Any
    is_found: bool


def fitted(blocks: Iterable[Block], cost: Cost, scale: Any, *, penalty: float, max_iterations: int) -> Fitted:
    """Minimise the summed loss + penalty / 2 * squared weights; the biases are free.

    The search, and when it ends, is that of scikit-learn's LogisticRegression.

    Args:
        blocks: All samples, as often as they are asked for.
        cost: The loss.
        scale: (D,) every feature is multiplied by it; the weights are those of what comes out.
        penalty: How strongly weights are held small.
        max_iterations: When to give up.
    """
    first = next(iter(blocks))
    shape = first.truth.shape[1], first.features.shape[1]
    num_samples = sum(len(block.truth) for block in blocks)

    def objective(flat: Any) -> tuple[float, Any]:
        weight, bias = flat[: -shape[0]].reshape(shape), flat[-shape[0] :]
        value, slopes, bias_slopes = 0.0, np.zeros(shape), np.zeros(shape[0])
        columns = np.ascontiguousarray((weight * scale).T)
        for features, truth in blocks:
            loss, slope = cost(features @ columns + bias, truth)
            value += loss
            slopes += (features.T @ slope).T
            bias_slopes += slope.sum(0)
        slopes = slopes * scale + penalty * weight
        value += penalty / 2 * float((weight * weight).sum())
        return value / num_samples, np.concatenate([slopes.ravel(), bias_slopes]) / num_samples

    limits = {"maxiter": max_iterations, "maxls": MAX_TRIES_ON_A_LINE}
    ends = {"gtol": TOLERANCE, "ftol": 64 * np.finfo(float).eps}
    start = np.zeros(shape[0] * shape[1] + shape[0])
    found = scipy.optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options={**limits, **ends})
    return Fitted(found.x[: -shape[0]].reshape(shape) * scale, found.x[-shape[0] :], found.status == 0)
