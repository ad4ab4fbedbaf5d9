"""Refuses models that this machine cannot hold, before they take any memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.data.resources import memory_bytes
from dltk.nn.uncompiled import without_compiler

_OVERFLOWS = ("Storage size calculation overflowed", "Overflow when unpacking")
_GIB = 2**30


def refuse_oversized(build: Callable[[], nn.Module]) -> None:
    """Build a model without its numbers, and compare what training needs at least with this machine's memory.

    A model that looks at its numbers while it is built cannot be measured so, and passes.

    Raises:
        OptionError: Weights and gradients together do not fit; or what `build` raises of its own.
    """
    model = _on_meta(build)
    if model is None:
        return
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    needed = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers(), *learned))
    memory = memory_bytes()
    if memory is not None and needed > memory:
        count = sum(parameter.numel() for parameter in model.parameters())
        raise OptionError(
            "",
            f"has {count:,} parameters, which need {needed / _GIB:,.0f} GiB with their gradients; this machine has "
            f"{memory / _GIB:,.0f} GiB; choose smaller layers",
            id="DLTK-CONFIG-MEMORY",
        )


def without_numbers(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a model without its numbers, or with them where it looks at them while it is built."""
    model = _on_meta(build)
    return build() if model is None else model


def _on_meta(build: Callable[[], nn.Module]) -> nn.Module | None:
    try:
        with torch.device("meta"), without_compiler():
            return build()
    except (RuntimeError, TypeError) as error:
        if any(sign in str(error) for sign in _OVERFLOWS):
            raise OptionError(
                "", "has more parameters than any machine can hold; choose smaller layers", id="DLTK-CONFIG-MEMORY"
            ) from None
        return None
