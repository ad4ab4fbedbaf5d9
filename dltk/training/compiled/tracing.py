"""Steps as one graph, by torch's tracer: each is repeated so many times, one behind the other."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.compiled.recording import Step, watched


def loops_over(steps: Sequence[Step]) -> Any:
    """Return the graph that makes some of each step; they carry the same, and each counts its own from 0.

    It takes what is carried, then for each step what is given and its constants; it returns what is carried.

    Raises:
        CannotCompile: A step draws at random, changes tensors in place, or depends on numbers in another way than by
            operations on tensors.
    """
    while_loop = importlib.import_module("torch._higher_order_ops.while_loop").while_loop_op
    root, graph = torch.nn.Module(), torch.fx.Graph()
    carried = [graph.placeholder(f"carried_{i}") for i in range(len(steps[0].carried))]
    number, *state = carried
    for place, step in enumerate(steps):
        taken = [*step.given, *step.constants]
        given = [graph.placeholder(f"given_{place}_{i}") for i in range(len(taken))]
        root.add_module(f"condition_{place}", _graph_of(_is_below_count(len(carried)), [*step.carried, *taken]))
        root.add_module(f"step_{place}", _traced(step))
        parts = (graph.get_attr(f"{name}_{place}") for name in ("condition", "step"))
        looped = graph.call_function(while_loop, (*parts, (number, *state), tuple(given)))
        state = [graph.call_function(operator.getitem, (looped, i)) for i in range(1, len(carried))]
    graph.output((number, *state))
    return torch.fx.GraphModule(root, graph)


def _is_below_count(count: int) -> Any:
    return lambda *tensors: tensors[0] < tensors[count]


def _traced(step: Step) -> Any:
    """Return a step as a graph that takes its constants, too.

    Raises:
        CannotCompile: It does what no graph repeats.
    """
    calls: list[tuple[str, Sequence[Tensor]]] = []

    def watching(*tensors: Tensor) -> Any:
        results, record, constants = watched(step.function, tensors)
        calls.append((record, constants))
        return results

    try:
        graph = _graph_of(watching, [*step.carried, *step.given])
    except RuntimeError as error:
        raise CannotCompile(f"the step cannot be traced: {str(error).partition(chr(10))[0]}") from None
    for node in graph.graph.nodes:
        schema, tags = getattr(node.target, "_schema", None), getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise CannotCompile(f"the step draws at random ({node.target})")
        if schema is not None and schema.is_mutable:
            raise CannotCompile(f"the step changes tensors in place ({node.target})")
    found, ((record, constants),) = _constants_given(graph), calls
    if (
        record != step.record
        or len(found) != len(constants)
        or not all(_are_same(*pair) for pair in zip(found, constants, strict=True))
    ):
        raise CannotCompile("the step is not the same from one call to the next")
    return graph


def _graph_of(function: Any, arguments: Sequence[Tensor]) -> Any:
    return importlib.import_module("torch.fx.experimental.proxy_tensor").make_fx(function)(*arguments)


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


def _are_same(one: Tensor, other: Tensor) -> bool:
    return one.data_ptr() == other.data_ptr() or (one.dtype == other.dtype and torch.equal(one, other))
