"""Graphs: operations with shapes below their modules, or the modules alone where a model cannot be traced."""

import torch
from tensorboard.compat.proto import graph_pb2
from torch import nn

from dltk.training.tensorboard.graphs import graph_of


def nodes_of(model, inputs):
    graph = graph_pb2.GraphDef.FromString(graph_of(model.eval(), inputs))
    return {node.name: node for node in graph.node}


def shape(node):
    (found,) = node.attr["_output_shapes"].list.shape
    return [dim.size for dim in found.dim]


class Branches(nn.Module):
    """A convolution with a skip around it."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU())
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head((x + self.body(x)).flatten(1))


def test_operations_have_inputs_shapes_and_the_names_of_their_modules():
    nodes = nodes_of(Branches(), torch.zeros(5, 2, 4, 4))
    assert nodes["body/0/conv2d"].op == "conv2d"
    assert list(nodes["body/0/conv2d"].input) == ["x", "body/0/weight", "body/0/bias"]
    assert shape(nodes["body/0/conv2d"]) == [5, 2, 4, 4]
    assert (nodes["x"].op, nodes["head/weight"].op, shape(nodes["head/weight"])) == ("input", "stored", [3, 32])
    assert {"x", "body/2/relu"} == set(nodes["add"].input)
    assert shape(nodes["head/linear"]) == [5, 3]
    assert list(nodes["output"].input) == ["head/linear"]
    assert set().union(*(node.input for node in nodes.values())) <= set(nodes)


class Two(nn.Module):
    """Takes two inputs by name."""

    def forward(self, left, right):
        return {"both": left + right}


def test_several_inputs_are_fed_by_name():
    nodes = nodes_of(Two(), {"left": torch.zeros(2, 3), "right": torch.zeros(2, 3)})
    assert {"left", "right"} == set(nodes["add"].input)


class Counting(nn.Module):
    """Cannot be traced: what it does depends on values."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 2))

    def forward(self, x):
        for _ in range(int(x.sum().item())):
            x = x + 1
        return self.second(self.first(x))


def test_of_a_model_that_cannot_be_traced_the_modules_are_shown():
    nodes = nodes_of(Counting(), torch.ones(2, 3))
    assert nodes["first/Linear"].op == "Linear"
    assert list(nodes["second/Sequential"].input) == ["first/Linear"]
    assert shape(nodes["second/0/weight"]) == [2, 4]


def test_a_graph_leaves_the_model_as_it_was():
    model = Branches().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    graph_of(model, torch.rand(5, 2, 4, 4, generator=torch.Generator().manual_seed(0)))
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert torch.get_rng_state().equal(random)
