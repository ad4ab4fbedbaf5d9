"""What holds for every model that is trained by gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor

from dltk.data.specs import Image, Spec
from dltk.nn.roles import Estimator, Predictor
from tests.unit.models.examples import IDS, IMAGE, LABELS, NUMBERS, SERIES, TABLE, THREE, TOKENS, TWO, VECTOR, made, one

RNN = [{"name": "embedding", "units": 4}, {"name": "gru", "units": 3}]
CONV = [{"name": "conv2d", "filters": 3, "activation": "tanh"}, {"name": "batch_norm"}, {"name": "global_avg_pool2d"}]
MIXED = Spec({"image": IMAGE, "table": TABLE}, {"label": THREE, "size": NUMBERS})
NODES = {
    "seen": {"inputs": ["image"], "layers": CONV},
    "known": {"inputs": ["table"], "layers": [{"name": "dense", "units": 3, "activation": "tanh"}]},
    "both": {"inputs": ["seen", "known"]},
    "sum": {"inputs": ["seen", "known"], "merge": "add", "layers": [{"name": "dense", "units": 2}]},
}
EVERY: list[tuple[str, Spec, dict[str, Any]]] = [
    *[(name, one(VECTOR, target), {}) for name in ("perceptron", "linear") for target in (TWO, THREE, LABELS, NUMBERS)],
    *[(name, one(data, TWO), {}) for name in ("perceptron", "linear", "mlp") for data in (IMAGE, TABLE, VECTOR)],
    ("mlp", one(IMAGE, THREE), {"hidden": [8, 7], "batch_norm": True, "dropout": 0.2, "activation": "prelu"}),
    ("mlp", one(VECTOR, NUMBERS), {"hidden": []}),
    ("lenet", one(IMAGE, THREE), {"activation": "tanh", "pooling": "mean"}),
    ("lenet", one(Image(3, 33, 40), TWO), {}),
    *[("sequential", one(data, THREE), {"layers": []}) for data in (IMAGE, TABLE, VECTOR, SERIES)],
    ("sequential", one(IMAGE, THREE), {"layers": CONV}),
    ("sequential", one(VECTOR, THREE), {"layers": [{"name": "dense", "units": 3}], "head": "none"}),
    ("sequential", one(TOKENS, TWO), {"layers": RNN}),
    ("sequential", one(IDS, NUMBERS), {"layers": [{"name": "embedding", "units": 4}]}),
    ("graph", MIXED, {"nodes": NODES, "outputs": {"size": "sum", "label": "both"}}),
    ("graph", one(VECTOR, TWO), {"nodes": {"a": {"inputs": ["input"]}}}),
]


def outputs_of(model: Any, inputs: Any) -> dict[str, Tensor]:
    outputs = model(**inputs) if isinstance(inputs, dict) else model(inputs)
    return dict(outputs) if isinstance(outputs, dict) else {"label": outputs}


def random_inputs(spec: Spec, n: int) -> Any:
    """Return random numbers, or ids below 4."""
    generator = torch.Generator().manual_seed(3)

    def like(x: Tensor) -> Tensor:
        if x.is_floating_point():
            return torch.randn(x.shape, generator=generator)
        return torch.randint(4, x.shape, generator=generator)

    inputs: Any = spec.example(n).inputs
    return {name: like(x) for name, x in inputs.items()} if isinstance(inputs, dict) else like(inputs)


every_model = pytest.mark.parametrize(("name", "spec", "options"), EVERY, ids=lambda value: str(value)[:40])


@every_model
def test_outputs_follow_the_targets(name, spec, options):
    model = made(name, spec, **options)
    outputs = outputs_of(model, spec.example(3).inputs)
    assert {target: tuple(output.shape) for target, output in outputs.items()} == {
        target: (3, kind.num_outputs) for target, kind in spec.targets.items()
    }
    assert isinstance(model, Predictor)
    assert not isinstance(model, Estimator)


@every_model
def test_shapes_are_known_without_computing(name, spec, options):
    outputs = outputs_of(made(name, spec, **options).to("meta"), spec.example(2, "meta").inputs)
    assert all(output.is_meta and len(output) == 2 for output in outputs.values())


@every_model
def test_gradients_reach_every_parameter(name, spec, options):
    torch.manual_seed(0)
    model = made(name, spec, **options)
    losses = [(output.square() + output).sum() for output in outputs_of(model, random_inputs(spec, 8)).values()]
    torch.autograd.backward(losses)
    missing = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


@every_model
def test_stored_weights_give_the_same_outputs(name, spec, options):
    torch.manual_seed(0)
    first = made(name, spec, **options).eval()
    torch.manual_seed(1)
    second = made(name, spec, **options).eval()
    second.load_state_dict(first.state_dict())
    inputs = random_inputs(spec, 4)
    expected, outputs = outputs_of(first, inputs), outputs_of(second, inputs)
    assert all(torch.equal(outputs[target], expected[target]) for target in expected)


@every_model
def test_initial_weights_follow_from_the_seed(name, spec, options):
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        states.append(made(name, spec, **options).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
