"""What one training step multiplies, seen in an extra pass: how many matrix products, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


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


@contextmanager
def watched() -> Iterator[Work]:
    """Yield what counts the work done inside the block."""
    work = Work()
    with _Watch(work):
        yield work


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Looks at every operation below autograd."""

    def __init__(self, work: Work) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._work = work

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch's compiler would be imported to switch it off

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count an operation, and let it happen."""
        name = func._schema.name
        if name in _FACTORS:
            self._multiply(*args[_FACTORS[name] : _FACTORS[name] + 2])
        elif name.startswith("aten::_scaled_dot_product") and not name.endswith("backward"):
            query, key = args[:2]
            self._work.scores = max(self._work.scores, math.prod(query.shape[:-1]) * key.shape[-2])
        return func(*args, **(kwargs or {}))

    def _multiply(self, left: Tensor, right: Tensor) -> None:
        self._work.products += 1
        self._work.multiply_adds += left.numel() * right.shape[-1]


_FACTORS = {"aten::mm": 0, "aten::bmm": 0, "aten::addmm": 1, "aten::baddbmm": 1}
"""At which argument the two factors begin."""
