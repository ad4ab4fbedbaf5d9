"""Steps have the same record where they are the same graph, and no two graphs share one; it needs no compiler."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from dltk.training.compiled.recording import recorded

SCALE = 2.0
WEIGHTS = torch.tensor([0.3, 0.7])


def scaled(x):
    return x * SCALE


def record(function, *, size=2, dtype=torch.float32):
    return recorded(lambda x, y: [function(x), y], [torch.ones(size, dtype=dtype)], [torch.ones(size)]).record


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x + 1, lambda x: x + 2),
        (lambda x: x + 1, lambda x: x + 1.0),
        (lambda x: x + 1, lambda x: 1 + x + 1),
        (lambda x: x.sin().cos(), lambda x: x.cos().sin()),
        (lambda x: x.sin() - x.cos(), lambda x: x.cos() - x.sin()),
        (lambda x: x.sin() - x.cos(), lambda x: x.cos().neg() + x.sin()),
        (lambda x: x - (x + x), lambda x: (x + x) - x),
        (lambda x: x.view(1, -1).sum(0), lambda x: x.view(1, -1).sum(1)),
        (lambda x: x.view(2, 1).t(), lambda x: x.view(1, 2)),
        (lambda x: x.to(torch.float64), lambda x: x.to(torch.float32)),
        (lambda x: x * WEIGHTS, lambda x: x * WEIGHTS[:1]),
        (lambda x: x * WEIGHTS, lambda x: x * x),
        (lambda x: torch.cat([x, x * 2]), lambda x: torch.cat([x * 2, x])),
        (nn.functional.gelu, lambda x: nn.functional.gelu(x, approximate="tanh")),
    ],
)
def test_two_graphs_have_two_records(one, other):
    assert record(one) == record(one)
    assert record(other) == record(other)
    assert record(one) != record(other)


def test_examples_are_in_the_record():
    records = {record(scaled), record(scaled, size=3), record(scaled, dtype=torch.float64)}
    assert len(records) == 3


def test_what_a_step_depends_on_outside_of_it_is_in_the_record(monkeypatch):
    before = record(scaled)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert record(scaled) != before


def test_which_result_is_returned_where_is_in_the_record():
    examples = [torch.ones(2)], [torch.ones(2)]
    one, other = (recorded(function, *examples).record for function in (lambda x, y: [x, y], lambda x, y: [y, x]))
    assert one != other


def test_constants_come_in_the_order_of_their_first_use():
    first, second = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    step = recorded(lambda x: [x * second + first + second], [torch.ones(2)], [])
    assert [each.tolist() for each in step.constants] == [[3.0, 4.0], [1.0, 2.0]]


def test_a_record_is_the_same_in_every_process_and_imports_no_compiler():
    program = (
        "import sys, torch; from dltk.training.compiled.recording import recorded;"
        "layer = torch.nn.Linear(3, 2);"
        "step = recorded(lambda x: [torch.autograd.grad(layer(x).sum(), layer.weight)[0]], [torch.ones(4, 3)], []);"
        "assert 'torch._dynamo' not in sys.modules; print(step.record)"
    )
    told = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(told) == 1
    assert "aten.mm" in told.pop()
