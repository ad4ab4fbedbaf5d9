"""What a model consists of: for every layer its shapes, parameters, multiply-adds and what it keeps for backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from dltk.nn.multiply_adds import MultiplyAdds
from dltk.nn.uncompiled import without_compiler

MOST_ROWS = 40


@dataclass(frozen=True)
class Layer:
    """One call of a module, with all that is in it.

    Attributes:
        name: The module's path in the model; "" for the model itself.
        kind: The name of its class.
        inputs: The shape of each tensor it receives, without the batch.
        output: The shape of what it gives, without the batch; None where it is not called: its parameters are used by
            the module that holds it.
        parameters: How many numbers it has that are learned or frozen; 0 where an earlier row counts them.
        learning: How many of them learn.
        multiply_adds: Of a forward pass over one sample: matrix products and convolutions, nothing else.
        kept_bytes: What a forward pass over the batch keeps for the backward pass, beside the parameters.
        holds: How many modules are folded into it.
        is_again: Whether an earlier row counts its parameters, for it was called before.
    """

    name: str
    kind: str
    inputs: Sequence[tuple[int, ...]] = ()
    output: tuple[int, ...] | None = None
    parameters: int = 0
    learning: int = 0
    multiply_adds: float = 0.0
    kept_bytes: int = 0
    holds: int = 0
    is_again: bool = False


@dataclass(frozen=True)
class Anatomy:
    """What a forward pass went through.

    Attributes:
        model: What was watched.
        layers: Calls in the order in which they began; the model's own is `whole`.
        whole: The model, with the whole pass.
        batch_size: Samples of the forward pass.
        widest_bytes: The most that inputs and output of one innermost layer take together.
    """

    model: nn.Module
    layers: Sequence[Layer]
    whole: Layer
    batch_size: int
    widest_bytes: int

    def rows(self, depth: int | None = None) -> list[Layer]:
        """Return the layers to show, each parameter in one of them.

        Args:
            depth: How many levels to unfold; None takes as many as a table can show.
        """
        if depth is not None:
            return self._folded(depth)
        deepest = max(name.count(".") + 1 for name, _ in self.model.named_modules())
        fitting = (self._folded(level) for level in range(deepest, 0, -1))
        return next((rows for rows in fitting if len(rows) <= MOST_ROWS), self._folded(1))

    def _folded(self, depth: int) -> list[Layer]:
        """Return innermost layers, and in place of what lies deeper than `depth` the modules that hold it."""
        called = {layer.name for layer in self.layers}
        shown = set(_shown("", self.model, 0, depth, called))
        rows = [layer for layer in self.layers if layer.name in shown]
        counted = {row.name for row in rows}
        for name, module in self.model.named_modules():
            own = list(module.parameters(recurse=False))
            if own and not any(f"{name}.".startswith(f"{place}.") for place in counted):
                rows.append(_row(name, module, own))
        return rows


def _shown(name: str, module: nn.Module, level: int, depth: int, called: Set[str]) -> Iterator[str]:
    """Yield the names of the modules that stand for themselves; those that are never called are no level."""
    children = list(module.named_children())
    is_called = name in called
    if not children or (is_called and level >= depth):
        yield name
        return
    for child, inner in children:
        yield from _shown(f"{name}.{child}" if name else child, inner, level + is_called, depth, called)


def _row(name: str, module: nn.Module, parameters: Sequence[nn.Parameter], *, is_again: bool = False) -> Layer:
    """Return what is known of a module without a call."""
    return Layer(
        name,
        type(module).__name__,
        parameters=0 if is_again else sum(parameter.numel() for parameter in parameters),
        learning=0 if is_again else sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        holds=sum(1 for _ in module.modules()) - 1,
        is_again=is_again and bool(parameters),
    )


@dataclass
class _Meter:
    """What a running forward pass has cost so far."""

    counted: MultiplyAdds
    batch_size: int
    calls: list[Layer | None] = field(default_factory=list)
    widest_bytes: int = 0
    kept: dict[int, Any] = field(default_factory=dict)
    kept_bytes: int = 0
    not_kept: set[int] = field(default_factory=set)

    def keep(self, tensor: Tensor) -> Tensor:
        """Count the storage of a tensor that backward will need, once, unless it is a parameter's."""
        storage = tensor.untyped_storage()
        address = storage._cdata
        if address not in self.kept and address not in self.not_kept:
            self.kept[address] = storage  # held, or another one would get its address
            self.kept_bytes += storage.nbytes()
        return tensor


def anatomy(model: nn.Module, forward: Callable[[], object], batch_size: int) -> Anatomy:
    """Watch a forward pass.

    Args:
        model: On any device; on meta nothing is computed.
        forward: Makes the passes of one training step over a batch.
        batch_size: Samples of this batch.
    """
    with without_compiler(), MultiplyAdds() as counted:
        meter = _Meter(counted, batch_size)
        meter.not_kept = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
        with _watched(model, meter), torch.autograd.graph.saved_tensors_hooks(meter.keep, _same):
            forward()
    layers = [layer for layer in meter.calls if layer is not None]
    first = next((layer for layer in layers if not layer.name), _row("", model, list(model.parameters())))
    whole = replace(
        first,
        multiply_adds=counted.total / batch_size,
        kept_bytes=meter.kept_bytes,
    )
    return Anatomy(model, layers, whole, batch_size, meter.widest_bytes)


def _same(tensor: Tensor) -> Tensor:
    return tensor


@contextmanager
def _watched(model: nn.Module, meter: _Meter) -> Iterator[None]:
    """Note for every call what the module receives and gives, and what the meter shows before and after it."""
    names = {module: name for name, module in model.named_modules()}
    running: list[tuple[int, int, int]] = []
    seen: set[nn.Module] = set()

    def enter(_module: nn.Module, _args: Any, _kwargs: Any) -> None:
        running.append((len(meter.calls), meter.counted.total, meter.kept_bytes))
        meter.calls.append(None)

    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        place, counted, kept = running.pop()
        received, given = list(_tensors((args, kwargs))), list(_tensors(output))
        meter.calls[place] = replace(
            _row(names[module], module, list(module.parameters()), is_again=module in seen),
            inputs=[tuple(tensor.shape[1:]) for tensor in received],
            output=tuple(given[0].shape[1:]) if given else (),
            multiply_adds=(meter.counted.total - counted) / meter.batch_size,
            kept_bytes=meter.kept_bytes - kept,
        )
        seen.add(module)
        if not any(module.children()):
            meter.widest_bytes = max(meter.widest_bytes, sum(tensor.nbytes for tensor in (*received, *given)))

    with ExitStack() as stack:
        for module in names:
            stack.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
            stack.callback(module.register_forward_hook(leave, with_kwargs=True).remove)
        yield


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield every tensor in a value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
