"""One training step as a graph of operations: forward, backward and update as a function of tensors alone."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch
from dltk.training.compiled.rules import Rule
from dltk.training.probing import undisturbed

Loss = Callable[[nn.Module, Batch], Tensor | Mapping[str, Tensor]]


class CannotCompile(Exception):
    """A step cannot be compiled, here or at all; says why."""


@dataclass(frozen=True)
class Signature:
    """What goes into a call, in order, and what of it comes out again.

    Attributes:
        carried: Number of the step, all parameters as one vector, likewise each moment, updates made, sums of scores.
        given: How many steps, their rates, tensors that stay as they are, and fields of all batches (steps, B, ...).
    """

    carried: Sequence[Tensor]
    given: Sequence[Tensor]


@dataclass(frozen=True)
class Traced:
    """A step.

    Attributes:
        graph: Takes what a signature says, and returns what is carried.
        constants: What the loss or the model holds beside parameters and buffers; given, too, behind all else.
        scores: Names of the sums.
    """

    graph: Any
    constants: Sequence[Tensor]
    scores: Sequence[str]


class Learned(nn.Module):
    """A model and its loss as one module, so that all its tensors can be given from outside."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self._loss = model, loss

    def forward(self, batch: Batch) -> Mapping[str, Tensor]:
        """Return the parts of a batch's loss."""
        return named_parts(self._loss(self.model, batch))


def named_parts(loss: Tensor | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a loss by names, of which "loss" is what is minimised."""
    return {"loss": loss} if isinstance(loss, Tensor) else loss


def fields_of(batch: Batch) -> list[Tensor]:
    """Return the tensors of a batch, in an order of their own.

    Raises:
        CannotCompile: A field is not one tensor.
    """
    if isinstance(batch.inputs, Tensor) and isinstance(batch.targets, Tensor):
        return [batch.inputs, batch.targets]
    parts = [batch.inputs, *([] if batch.targets is None else [batch.targets])]
    fields = [field for part in parts for field in (part.values() if isinstance(part, Mapping) else [part])]
    if not all(isinstance(field, Tensor) for field in fields):
        raise CannotCompile("samples have sizes of their own")
    return [field for field in fields if isinstance(field, Tensor)]


def traced(learned: Learned, rule: Rule, batch: Batch, signature: Signature, scores: Sequence[str]) -> Traced:
    """Return the step that a model makes with batches like this one.

    Raises:
        CannotCompile: It draws at random, changes tensors in place, or depends on numbers in another way than by
            operations on tensors.
    """
    model, loss = learned.model, learned
    moving = {name: each for name, each in loss.named_parameters() if each.requires_grad}
    staying = [name for name, _ in held(loss)]
    sizes = [each.numel() for each in moving.values()]

    def step(carried: Sequence[Tensor], given: Sequence[Tensor]) -> list[Tensor]:
        number, places, *rest = carried
        moments, (made, *sums) = rest[: len(rule.moments)], rest[len(rule.moments) :]
        rates, kept, fields = given[1], given[2 : 2 + len(staying)], given[2 + len(staying) :]
        which = number.view(1)
        some = _like(batch, [field.index_select(0, which).squeeze(0) for field in fields])
        leaves = [
            part.view(each.shape).detach().requires_grad_()
            for part, each in zip(torch.split(places, sizes), moving.values(), strict=True)
        ]
        tensors = {**dict(zip(moving, leaves, strict=True)), **dict(zip(staying, kept, strict=True))}
        parts = torch.func.functional_call(loss, tensors, (some,))
        gradients = torch.autograd.grad(parts["loss"], leaves)
        with torch.no_grad():
            made = made + 1
            gradient = torch.cat([each.reshape(-1) for each in gradients])
            rate = rates.index_select(0, which).squeeze(0)
            places, kept_on = rule.move(places, gradient, dict(zip(rule.moments, moments, strict=True)), rate, made)
            sums = [total + parts[name].double() * batch.num_samples for total, name in zip(sums, scores, strict=True)]
        return [number + 1, places, *(kept_on[name] for name in rule.moments), made, *sums]

    count = len(signature.carried)
    with undisturbed(model):
        graph = _graph_of(lambda *tensors: step(tensors[:count], tensors[count:]), signature)
    return Traced(graph, _constants_given(graph), scores)


def score_names(learned: Learned, batch: Batch) -> list[str]:
    """Return the names of a loss's parts, by one pass that changes nothing."""
    with undisturbed(learned.model), torch.no_grad():
        return list(learned(batch))


def held(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a module that no update changes."""
    frozen = ((name, each) for name, each in module.named_parameters() if not each.requires_grad)
    return itertools.chain(frozen, module.named_buffers())


def _like(batch: Batch, fields: Sequence[Tensor]) -> Batch:
    """Return fields as a batch of the same names."""
    left = iter(fields)
    inputs, targets = (
        {name: next(left) for name in part} if isinstance(part, Mapping) else None if part is None else next(left)
        for part in (batch.inputs, batch.targets)
    )
    assert inputs is not None
    return Batch(inputs, targets, batch.num_samples)


def _graph_of(function: Callable[..., Any], signature: Signature) -> Any:
    trace = importlib.import_module("torch.fx.experimental.proxy_tensor").make_fx(function)
    try:
        graph = trace(*signature.carried, *signature.given)
    except RuntimeError as error:
        raise CannotCompile(f"the step cannot be traced: {str(error).partition(chr(10))[0]}") from None
    for node in graph.graph.nodes:
        schema, tags = getattr(node.target, "_schema", None), getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise CannotCompile(f"the step draws at random ({node.target})")
        if schema is not None and schema.is_mutable:
            raise CannotCompile(f"the step changes tensors in place ({node.target})")
    return graph


def _constants_given(graph: Any) -> list[Tensor]:
    """Let a graph take the tensors that it holds as further arguments; return them."""
    constants: dict[str, Tensor] = {}
    places: dict[str, Any] = {}
    last = [node for node in graph.graph.nodes if node.op == "placeholder"][-1]
    for node in [node for node in graph.graph.nodes if node.op == "get_attr"]:
        name = str(node.target)
        if name not in places:
            constants[name] = getattr(graph, name)
            with graph.graph.inserting_after(last):
                places[name] = last = graph.graph.placeholder(f"constant_{len(places)}")
        node.replace_all_uses_with(places[name])
        graph.graph.erase_node(node)
    graph.recompile()
    return list(constants.values())
