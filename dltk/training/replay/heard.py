"""Operations as they were called: what each one read, wrote and made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dltk.training.listening import Listening

_DEPENDS_ON_VALUES = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
_aten = torch.ops.aten
_TURNED = {_aten.t_, _aten.transpose_, _aten.squeeze_, _aten.unsqueeze_}
"""They change how a tensor is read, not what is in memory."""


class CannotReplay(Exception):
    """A pass is not the same calls again, or too large to be kept; says why."""


@dataclass(frozen=True)
class Heard:
    """An operation that was called, with tensors that share memory with those it met, and know nothing of autograd.

    Attributes:
        operation: torch's overload.
        arguments: What it was given.
        keywords: Likewise.
        results: What it returned.
        with_grad: Whether gradients were enabled, which some kernels ask.
    """

    operation: Any
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]
    results: Any
    with_grad: bool

    @property
    def given(self) -> list[Tensor]:
        """All tensors among the arguments."""
        return list(tensors_in([self.arguments, self.keywords]))

    @property
    def written(self) -> list[Tensor]:
        """The arguments whose memory it changed."""
        if self.operation.overloadpacket in _TURNED:
            return []
        slots = self.operation._schema.arguments
        values = [*zip(slots, self.arguments, strict=False)]
        values += [(slot, self.keywords[slot.name]) for slot in slots if slot.name in self.keywords]
        return list(tensors_in([value for slot, value in values if slot.alias_info and slot.alias_info.is_write]))

    @property
    def made(self) -> list[Tensor]:
        """The results that are neither arguments nor views of them."""
        return list(tensors_in(self.new_among(self.results)))

    def new_among(self, results: Any) -> list[Any]:
        """Return those of such results."""
        slots = self.operation._schema.returns
        values = [results] if len(slots) == 1 else list(results or [])
        return [value for slot, value in zip(slots, values, strict=True) if slot.alias_info is None]

    @property
    def draws(self) -> bool:
        """Whether it draws from the generator, from which later calls draw, too."""
        return torch.Tag.nondeterministic_seeded in self.operation.tags

    def refuse(self) -> None:
        """Raise CannotReplay where it may be another call the next time, or is none of plain tensors."""
        tags, is_turned = set(self.operation.tags), self.operation.overloadpacket in _TURNED
        if _DEPENDS_ON_VALUES & tags or (torch.Tag.inplace_view in tags and not is_turned):
            raise CannotReplay(f"{self.operation} depends on the values it meets")
        if any(each.layout != torch.strided for each in tensors_in([self.given, self.results])):
            raise CannotReplay(f"{self.operation} meets sparse tensors")


def listened(function: Callable[[], Any], most_bytes: int) -> tuple[Any, list[Heard], int]:
    """Call a function, and return its results, the operations it called, and the bytes of what these made.

    Raises:
        CannotReplay: One of them cannot be called again, or what they make takes more bytes than that together.
    """
    heard: list[Heard] = []
    left = most_bytes

    def hear(operation: Any, arguments: Sequence[Any], keywords: Mapping[str, Any], results: Any) -> None:
        nonlocal left
        call = Heard(operation, apart(arguments), apart(keywords), apart(results), torch.is_grad_enabled())
        call.refuse()
        left -= sum(each.untyped_storage().nbytes() for each in call.made)
        if left < 0:
            raise CannotReplay(f"what a step computes takes more than {most_bytes} bytes")
        heard.append(call)

    with Listening(hear):
        results = function()
    return results, heard, most_bytes - left


def apart(value: Any) -> Any:
    """Return lists and dicts with tensors that share memory with theirs, and know nothing of autograd."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, (list, tuple)):
        return type(value)(apart(each) for each in value)
    return {key: apart(each) for key, each in value.items()} if isinstance(value, dict) else value


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in lists and dicts of them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from tensors_in(each)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def memory_of(tensor: Tensor) -> int:
    """Return what is the same for tensors that share memory."""
    return int(tensor.untyped_storage()._cdata)
