"""The graph of a model: its operations as torch.export finds them, or where it finds none, its modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from tensorboard.compat.proto import attr_value_pb2, graph_pb2, node_def_pb2, tensor_shape_pb2
from torch import Tensor, fx, nn

UNTRACEABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a model's own code, run on tensors without values, and torch.export itself raise."""

Node = Any
"""A `node_def_pb2.NodeDef`; generated code has no types."""


def graph_of(model: nn.Module, inputs: Any) -> bytes:
    """Return a serialized GraphDef with every operation's name, inputs and output shape; the model is in eval mode.

    Args:
        model: Whose graph it is.
        inputs: Some samples, as the model takes them: (B, ...), or several by name.
    """
    try:
        nodes = _operations(model, inputs)
    except UNTRACEABLE:
        nodes = _modules(model)
    return bytes(graph_pb2.GraphDef(node=nodes).SerializeToString())


def _operations(model: nn.Module, inputs: Any) -> list[Node]:
    by_name = dict(inputs) if isinstance(inputs, Mapping) else None
    exported = torch.export.export(model, () if by_name is not None else (inputs,), by_name)
    signature = exported.graph_signature
    stored = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    names: dict[fx.Node, str] = {}
    nodes = []
    for node in exported.graph.nodes:
        names[node] = _name(node, stored)
        inputs_of = [names[one] for one in node.all_input_nodes]
        nodes.append(_node(names[node], _operation(node, stored), inputs_of, _shapes(node.meta.get("val"))))
    return nodes


def _name(node: fx.Node, stored: Mapping[str, str]) -> str:
    """Return a unique name below the module that it belongs to, slash by slash."""
    if node.name in stored:
        return stored[node.name].replace(".", "/")
    places = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values()]
    scope = places[-1].replace(".", "/") if places else ""
    return f"{scope}/{node.name}" if scope else node.name


def _operation(node: fx.Node, stored: Mapping[str, str]) -> str:
    if node.op == "placeholder":
        return "stored" if node.name in stored else "input"
    return str(node.target).removeprefix("aten.").removesuffix(".default") if node.op == "call_function" else node.op


def _shapes(value: Any) -> list[Sequence[int]]:
    values = value if isinstance(value, (tuple, list)) else [value]
    return [tuple(map(int, one.shape)) for one in values if isinstance(one, Tensor)]


def _modules(model: nn.Module) -> list[Node]:
    """Return what can be said of any model: its modules, each fed by the one before it, and its parameters."""
    return list(_walk(model, ""))


def _walk(module: nn.Module, path: str) -> Iterator[Node]:
    before: list[str] = []
    for name, child in module.named_children():
        place = f"{path}/{name}" if path else name
        yield _node(f"{place}/{type(child).__name__}", type(child).__name__, before, [])
        before = [f"{place}/{type(child).__name__}"]
        for parameter, value in child.named_parameters(recurse=False):
            yield _node(f"{place}/{parameter}", "stored", [], [tuple(value.shape)])
        yield from _walk(child, place)


def _node(name: str, operation: str, inputs: Sequence[str], shapes: Sequence[Sequence[int]]) -> Node:
    dimensions = [
        tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in shape])
        for shape in shapes
    ]
    described = attr_value_pb2.AttrValue(list=attr_value_pb2.AttrValue.ListValue(shape=dimensions))
    attributes = {"_output_shapes": described} if dimensions else {}
    return node_def_pb2.NodeDef(name=name, op=operation, input=inputs, attr=attributes)
