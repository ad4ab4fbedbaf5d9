from typing import Any

import pytest
import torch

from dltk.config.errors import OptionError
from dltk.data.specs import Spec, Vector
from tests.unit.models.examples import IMAGE, NUMBERS, TABLE, THREE, TOKENS, TWO, VECTOR, made, one

ONE = one(VECTOR, TWO)
MIXED = Spec({"image": IMAGE, "table": TABLE}, {"label": THREE, "size": NUMBERS})


def dense(units: int) -> list[dict[str, Any]]:
    return [{"name": "dense", "units": units}]


def node(*inputs: str, **options: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), **options}


def refused(spec: Spec, **options: Any) -> tuple[str, str]:
    with pytest.raises(OptionError) as error:
        made("graph", spec, **options)
    return ".".join(map(str, error.value.path)), error.value.message


def test_a_skip_adds_what_went_in_to_what_comes_out():
    model = made(
        "graph",
        one(Vector(3), THREE),
        nodes={"twice": node("input", layers=dense(3)), "sum": node("twice", "input", merge="add")},
        head="none",
    )
    model.load_state_dict({"nodes.twice.0.weight": 2 * torch.eye(3), "nodes.twice.0.bias": torch.zeros(3)})
    assert model(torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[3.0, 6.0, 9.0]]


def test_nodes_may_stand_in_any_order():
    nodes = {"c": node("b", "a"), "b": node("a", layers=dense(2)), "a": node("input", layers=dense(4))}
    model = made("graph", ONE, nodes=nodes)
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert shapes == {
        "nodes.a.0.weight": (4, 5),
        "nodes.a.0.bias": (4,),
        "nodes.b.0.weight": (2, 4),
        "nodes.b.0.bias": (2,),
        "head.0.weight": (1, 6),
        "head.0.bias": (1,),
    }


def test_several_inputs_arrive_by_name_and_several_targets_leave_by_name():
    model = made(
        "graph",
        MIXED,
        nodes={"seen": node("image", layers=[{"name": "flatten"}]), "both": node("seen", "table")},
        outputs={"size": "both", "label": "seen"},
    )
    outputs = model(table=torch.randn(2, 4), image=torch.randn(2, 1, 14, 12))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {"size": (2, 2), "label": (2, 3)}
    assert model.head[0].weight.shape == (2, 168 + 4)
    assert model.head[1].weight.shape == (3, 168)


def test_the_output_is_the_one_node_that_no_other_uses():
    assert made("graph", ONE, nodes={"a": node("input"), "b": node("a")})(torch.zeros(2, 5)).shape == (2, 1)
    path, message = refused(ONE, nodes={"a": node("input"), "b": node("input")})
    assert path == "outputs"
    assert message == "must say which node predicts which target; targets: label; last nodes: a, b"


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        (
            {"nodes": {"a": node("inputt")}},
            "nodes.a.inputs.0",
            "there is no input or node 'inputt'; did you mean 'input'?",
        ),
        (
            {"nodes": {"a": node("input", "c"), "b": node("a"), "c": node("b")}},
            "nodes.a.inputs",
            "nodes feed each other in a circle: a -> ",
        ),
        (
            {"nodes": {"a": node("input"), "b": node("input")}, "outputs": {"label": "a"}},
            "nodes.b",
            "'b' leads to no output; outputs: a",
        ),
        (
            {"nodes": {"a": node("input")}, "outputs": {"labell": "a"}},
            "outputs.labell",
            "the data have no target 'labell'; did you mean 'label'?",
        ),
        (
            {"nodes": {"both": node("input")}, "outputs": {"label": "boht"}},
            "outputs.label",
            "there is no node 'boht'; did you mean 'both'?",
        ),
        ({"nodes": {"a": node("input")}, "outputs": {}}, "outputs", "no node predicts label; targets: label"),
        ({"nodes": {"input": node("input")}}, "nodes.input", "'input' is an input of the data; choose another name"),
        ({"nodes": {"train": node("input")}}, "nodes.train", "'train' is a word of torch; choose another name"),
        ({"nodes": {"a.b": node("input")}}, "nodes", "no name for a node"),
        (
            {"nodes": {"a": node("input", layers=dense(3)), "b": node("a", "input", merge="mul")}},
            "nodes.b.inputs",
            "mul cannot take these shapes",
        ),
        (
            {"nodes": {"a": node("input", layers=[*dense(3), {"name": "max_pool2d"}])}},
            "nodes.a.layers.1",
            "max_pool2d needs an image (C, H, W); it receives (3,)",
        ),
        (
            {"nodes": {"a": node("input", layers=dense(2))}, "head": "none"},
            "nodes.a",
            "must end with one value per class",
        ),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(options, path, message):
    where, what = refused(ONE, **options)
    assert where == path
    assert what.startswith(message)


def test_ids_need_an_embedding():
    path, message = refused(one(TOKENS, TWO), nodes={"a": node("input")})
    assert path == "nodes.a"
    assert "must begin with an embedding" in message
    embedded = node("input", layers=[{"name": "embedding", "units": 2}])
    assert made("graph", one(TOKENS, TWO), nodes={"a": embedded})(torch.zeros(3, 6, dtype=torch.int64)).shape == (3, 1)


def test_data_without_a_target_are_refused():
    assert "target is nothing" in refused(Spec({"input": VECTOR}, {}), nodes={"a": node("input")})[1]
