"""Named nodes that feed each other: skips, branches, several inputs and several outputs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from dltk.config.errors import OptionError, choices_near, did_you_mean, listed, shown
from dltk.config.settings import Settings
from dltk.data.samples import Preparation
from dltk.data.sizes import num_ids, output_sizes
from dltk.data.specs import Ids, Image, Modality, Series, Spec, Table, Tokens, Vector
from dltk.nn.affine import Affine
from dltk.nn.layers import Layer, build_layers
from dltk.nn.merging import MergeName, merge, merged_shape
from dltk.nn.shapes import Shape


class Node(Settings):
    """Layers on what some inputs or other nodes give."""

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the data's inputs or of other nodes."""
    merge: MergeName = "concat"
    """How several become one: side by side (features, or channels of images), or value by value."""
    layers: tuple[Layer, ...] = ()
    """What they pass through, in order; empty: nothing."""


class Config(Settings):
    """Every node takes inputs of the data or other nodes; the output layers follow from the data.

    Parameters: `nodes.NAME.N.weight` and `.bias` of layer N of a node; `head.0.weight`, `head.0.bias` of the first of
    `outputs`, `head.1.weight` of the second ...
    """

    accepts: ClassVar[tuple[type[Modality], ...]] = (Image, Table, Vector, Tokens, Series, Ids)
    role: ClassVar[str] = "predictor"

    nodes: Annotated[dict[str, Node], Field(min_length=1)]
    """By name, in any order, such as {a: {inputs: [image], layers: [...]}, b: {inputs: [a, image], merge: concat}}."""
    outputs: dict[str, str] | None = None
    """Target: node that predicts it; may be left out for one target and one node that no other uses."""
    head: Literal["auto", "none"] = "auto"
    """`auto` flattens and adds a dense layer with one output per class or number; `none`: the nodes give them."""


class Graph(nn.Module):
    """Nodes in an order in which each finds its inputs ready.

    Args:
        config: How nodes are connected.
        nodes: Their layers, in that order.
        outputs: Target: node.
        head: The last layer of each output, in order.
        only_input: The name of the input that arrives without a keyword.
    """

    def __init__(
        self,
        config: Config,
        nodes: Mapping[str, nn.Sequential],
        outputs: Mapping[str, str],
        head: Sequence[nn.Module],
        only_input: str,
    ) -> None:
        super().__init__()
        self.nodes = nn.ModuleDict(nodes)
        self.head = nn.ModuleList(head)
        self._config, self._outputs, self._only_input = config, outputs, only_input

    def forward(self, only: Tensor | None = None, /, **several: Tensor) -> Tensor | dict[str, Tensor]:
        """Turn one input, or several by name, into (B, num_outputs), or a dict of them by target."""
        values = several if only is None else {self._only_input: only}
        for name, layers in self.nodes.items():
            node = self._config.nodes[name]
            values[name] = layers(merge([values[source] for source in node.inputs], node.merge))
        outputs = {
            target: head(values[node]) for (target, node), head in zip(self._outputs.items(), self.head, strict=True)
        }
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))


def build(config: Config, spec: Spec, _preparation: Preparation) -> nn.Module:
    """Return the graph with sizes inferred; raise OptionError where names or shapes do not fit."""
    sizes = output_sizes(spec)
    _check_names(config, spec)
    order = _order(config)
    outputs = _outputs(config, sizes)
    _refuse_unused(config, order, outputs)
    shapes = {name: Shape(modality.shape, num_ids(modality)) for name, modality in spec.inputs.items()}
    nodes = {}
    for name in order:
        node = config.nodes[name]
        shape = merged_shape([(source, shapes[source]) for source in node.inputs], node.merge, f"nodes.{name}.inputs")
        nodes[name], shapes[name] = build_layers(node.layers, shape, f"nodes.{name}.layers")
    head = [_head(config, shapes[node], sizes[target], f"nodes.{node}") for target, node in outputs.items()]
    return Graph(config, nodes, outputs, head, next(iter(spec.inputs)))


def _head(config: Config, shape: Shape, outputs: int, option: str) -> nn.Module:
    if config.head == "none":
        shape.require_outputs(outputs, option)
        return nn.Identity()
    shape.require_numbers(option)
    return Affine(math.prod(shape.sizes), outputs)


def _check_names(config: Config, spec: Spec) -> None:
    taken = nn.ModuleDict()
    for name, node in config.nodes.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise OptionError(
                "nodes", "no name for a node", found=shown(name), allowed="letters, digits and _, a letter first"
            )
        if name in spec.inputs or hasattr(taken, name):
            whose = "an input of the data" if name in spec.inputs else "a word of torch"
            raise OptionError(f"nodes.{name}", f"'{name}' is {whose}; choose another name")
        known = [*spec.inputs, *config.nodes]
        for i, source in enumerate(node.inputs):
            if source not in known:
                raise OptionError(
                    f"nodes.{name}.inputs.{i}",
                    f"there is no input or node {shown(source)}{did_you_mean(source, known)}",
                    allowed=choices_near(source, known),
                    id="DLTK-CONFIG-UNKNOWN-NAME",
                )


def _outputs(config: Config, targets: Mapping[str, int]) -> Mapping[str, str]:
    if config.outputs is None:
        used = {source for node in config.nodes.values() for source in node.inputs}
        last = [name for name in config.nodes if name not in used]
        if len(targets) != 1 or len(last) != 1:
            raise OptionError(
                "outputs",
                f"must say which node predicts which target; targets: {listed(targets)}; last nodes: {listed(last)}",
            )
        return {next(iter(targets)): last[0]}
    for target, node in config.outputs.items():
        if target not in targets:
            message = f"the data have no target {shown(target)}{did_you_mean(target, targets)}"
            raise OptionError(f"outputs.{target}", message, allowed=choices_near(target, targets))
        if node not in config.nodes:
            message = f"there is no node {shown(node)}{did_you_mean(node, config.nodes)}"
            raise OptionError(f"outputs.{target}", message, allowed=choices_near(node, config.nodes))
    missing = [target for target in targets if target not in config.outputs]
    if missing:
        raise OptionError("outputs", f"no node predicts {listed(missing)}; targets: {listed(targets)}")
    return config.outputs


def _order(config: Config) -> list[str]:
    """Return the nodes so that each comes after those it takes."""
    known = {name: [source for source in node.inputs if source in config.nodes] for name, node in config.nodes.items()}
    try:
        return list(TopologicalSorter(known).static_order())
    except CycleError as error:
        cycle = error.args[1]
        raise OptionError(
            f"nodes.{cycle[0]}.inputs", f"nodes feed each other in a circle: {' -> '.join(cycle)}"
        ) from None


def _refuse_unused(config: Config, order: list[str], outputs: Mapping[str, str]) -> None:
    needed = set(outputs.values())
    for name in reversed(order):
        if name not in needed:
            raise OptionError(f"nodes.{name}", f"'{name}' leads to no output; outputs: {listed(outputs.values())}")
        needed.update(config.nodes[name].inputs)
