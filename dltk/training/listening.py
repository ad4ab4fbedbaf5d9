"""Who listens to the operations below autograd, as torch calls them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

Hear = Callable[[Any, Sequence[Any], Mapping[str, Any], Any], None]
"""(operation, arguments, keywords, results) of a call that was just made."""


class Listening(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells each operation inside its block to a function.

    Args:
        hear: The function.
    """

    def __init__(self, hear: Hear) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._hear = hear

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch imports its compiler, to keep it away

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Let an operation happen, and tell it."""
        keywords = dict(kwargs or {})
        results = func(*args, **keywords)
        self._hear(func, args, keywords, results)
        return results
