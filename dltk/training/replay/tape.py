"""Calls of kernels that are made again, each into the memory where its result lay first.

What is called is what torch called, kernel by kernel, so that the same bits come out. What is not done again is all
that stands between the kernels: modules, the choice of operations, autograd's graph, and asking for memory. For a tiny
network that is most of a step.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dltk.training.replay.heard import Heard, memory_of, tensors_in

Call = Callable[[], object]


class Tape:
    """The calls that something wanted depends on, and those that leave something behind.

    Args:
        heard: All calls, in order; the tensors in them are kept, and are what is read and written again.
        wanted: What they computed.
    """

    def __init__(self, heard: Sequence[Heard], wanted: Sequence[Tensor]) -> None:
        needed = _needed(heard, wanted)
        changed = {memory_of(tensor) for tensor in [*wanted, *(tensor for each in needed for tensor in each.written)]}
        self.draws = any(each.draws for each in needed)
        calls = [(each.with_grad, call) for each in needed for call in _calls(each, changed)]
        self._runs = [
            (with_grad, [call for _, call in run]) for with_grad, run in itertools.groupby(calls, lambda pair: pair[0])
        ]

    def play(self) -> None:
        """Make all calls again, on what lies in memory now."""
        for with_grad, calls in self._runs:
            with nullcontext() if with_grad == torch.is_grad_enabled() else torch.set_grad_enabled(with_grad):
                for call in calls:
                    call()


def _needed(heard: Sequence[Heard], wanted: Sequence[Tensor]) -> list[Heard]:
    """Return the calls that what is wanted depends on, that change what was there before, or that draw."""
    inside = {memory_of(tensor) for each in heard for tensor in each.made}
    alive = {memory_of(tensor) for tensor in wanted}
    found = []
    for each in reversed(heard):
        written = {memory_of(tensor) for tensor in each.written}
        touched = written | {memory_of(tensor) for tensor in each.made}
        if each.draws or touched & alive or written - inside:
            found.append(each)
            alive |= {memory_of(tensor) for tensor in each.given}
    return found[::-1]


def _calls(heard: Heard, changed: set[int]) -> Iterator[Call]:
    """Yield what makes a call again; nothing for views, and for what stays as it was made."""
    if heard.written:
        yield partial(heard.operation._op, *heard.arguments, **heard.keywords)
    elif heard.made and heard.operation.overloadpacket not in _EMPTY:
        is_filled = heard.operation.overloadpacket in _FILLED or not heard.given
        if heard.draws or not is_filled or any(memory_of(each) in changed for each in heard.made):
            yield _into(heard, heard.made)


def _into(heard: Heard, made: Sequence[Tensor]) -> Call:
    """Return what calls an operation so that its results lie where they lay.

    The mean of a loss is copied there, for such kernels make room for the loss of every sample first.
    """
    if heard.operation.overloadpacket in _COPIES:
        return partial(made[0].copy_, heard.arguments[0])
    twin, places = _out_twin(heard.operation)
    is_mean = any(slot.name == "reduction" for slot in twin._schema.arguments) and made[0].numel() == 1
    if len(places) != len(made) or is_mean:
        return partial(_copied, heard, made)
    quick = getattr(torch, heard.operation.overloadpacket.__name__, None) if len(made) == 1 else None
    if callable(quick):
        call = partial(quick, *heard.arguments, **heard.keywords)
        if _takes(call, made[0]):
            return partial(call, out=made[0])
    return partial(twin._op, *heard.arguments, **heard.keywords, **dict(zip(places, made, strict=True)))


def _takes(call: Callable[..., object], place: Tensor) -> bool:
    """Return whether torch's own function takes what its operation takes; it reads arguments in half the time."""
    try:
        call(out=torch.empty_like(place))
    except (TypeError, RuntimeError):
        return False
    return True


def _copied(heard: Heard, places: Sequence[Tensor]) -> None:
    results = heard.new_among(heard.operation._op(*heard.arguments, **heard.keywords))
    for place, result in zip(places, tensors_in(results), strict=True):
        place.copy_(result)


def _out_twin(operation: Any) -> tuple[Any, Sequence[str]]:
    """Return the variant of an operation that writes where it is told to, and what it calls these places, if any."""
    packet = operation.overloadpacket
    taken = [(each.name, str(each.type)) for each in operation._schema.arguments]
    for name in packet.overloads():
        twin = getattr(packet, name)
        places = [each for each in twin._schema.arguments if each.alias_info and each.alias_info.is_write]
        others = [(each.name, str(each.type)) for each in twin._schema.arguments if each not in places]
        if places and others == taken and all(each.kwarg_only for each in places):
            return twin, [each.name for each in places]
    return operation, []


_aten = torch.ops.aten
_EMPTY = {_aten.empty, _aten.empty_like, _aten.empty_strided, _aten.new_empty, _aten.new_empty_strided}
_COPIES = {_aten.clone, _aten._to_copy}
_FILLED = {_aten.ones_like, _aten.zeros_like, _aten.full_like, _aten.new_zeros, _aten.new_ones, _aten.new_full}
