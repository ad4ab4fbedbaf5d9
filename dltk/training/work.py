"""What one training step multiplies, seen in an extra pass: how many matrix products, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dltk.training.listening import Listening


@dataclass
class Work:
    """Sizes of what was computed while it was watched.

    Attributes:
        products: How many matrix products there were; one of a batch of matrices counts once.
        multiply_adds: What all of them cost.
        scores: How many attention scores the largest attention has.
    """

    products: int = 0
    multiply_adds: int = 0
    scores: int = 0

    @property
    def mean_product(self) -> float:
        """Multiply-adds of a product on average."""
        return self.multiply_adds / max(1, self.products)

    def see(self, operation: Any, arguments: Sequence[Any], _keywords: Mapping[str, Any], _results: Any) -> None:
        """Count an operation."""
        name = operation._schema.name
        if name in _FACTORS:
            left, right = arguments[_FACTORS[name] : _FACTORS[name] + 2]
            self.products += 1
            self.multiply_adds += left.numel() * right.shape[-1]
        elif name.startswith("aten::_scaled_dot_product") and not name.endswith("backward"):
            query, key = arguments[:2]
            self.scores = max(self.scores, math.prod(query.shape[:-1]) * key.shape[-2])


@contextmanager
def watched() -> Iterator[Work]:
    """Yield what counts the work done inside the block."""
    work = Work()
    with Listening(work.see):
        yield work


_FACTORS = {"aten::mm": 0, "aten::bmm": 0, "aten::addmm": 1, "aten::baddbmm": 1}
"""At which argument the two factors begin."""
