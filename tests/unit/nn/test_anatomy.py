"""Layers as a forward pass goes through them: shapes, parameters, multiply-adds and what is kept."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from dltk.nn.anatomy import anatomy


def watched(model, *shape, batch_size=4):
    inputs = torch.zeros(batch_size, *shape, device=next(model.parameters()).device)
    return anatomy(model, lambda: model(inputs), batch_size)


def small(device="meta"):
    with torch.device(device):
        return nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(1, 6, 5),
                relu=nn.ReLU(),
                pool=nn.MaxPool2d(2),
                flat=nn.Flatten(),
                dense=nn.Linear(6 * 12 * 12, 10),
            )
        )


def test_layers_come_in_the_order_of_the_pass_with_their_shapes():
    rows = watched(small(), 1, 28, 28).rows()
    assert [(row.name, row.kind, row.inputs, row.output) for row in rows] == [
        ("conv", "Conv2d", [(1, 28, 28)], (6, 24, 24)),
        ("relu", "ReLU", [(6, 24, 24)], (6, 24, 24)),
        ("pool", "MaxPool2d", [(6, 24, 24)], (6, 12, 12)),
        ("flat", "Flatten", [(6, 12, 12)], (864,)),
        ("dense", "Linear", [(864,)], (10,)),
    ]


def test_multiply_adds_are_those_of_the_formulas():
    found = watched(small(), 1, 28, 28)
    by_name = {row.name: row.multiply_adds for row in found.rows()}
    assert by_name == {"conv": 25 * 6 * 24 * 24, "relu": 0, "pool": 0, "flat": 0, "dense": 864 * 10}
    assert found.whole.multiply_adds == sum(by_name.values())


def test_what_is_kept_is_what_autograd_saves():
    found = watched(small(), 1, 28, 28)
    kept = {row.name: row.kept_bytes for row in found.rows()}
    assert kept["conv"] == 4 * 28 * 28 * 4  # its input; the weights count as parameters
    assert kept["relu"] == 4 * 6 * 24 * 24 * 4  # its output, which the pool takes, too
    assert kept["pool"] == 4 * 6 * 12 * 12 * 8  # where the maxima were
    assert kept["dense"] == 4 * 864 * 4
    assert found.whole.kept_bytes == sum(kept.values())


def test_without_numbers_all_is_as_with_them():
    torch.manual_seed(0)
    assert watched(small("cpu"), 1, 28, 28).rows() == watched(small(), 1, 28, 28).rows()


class Twice(nn.Module):
    """Uses one layer twice, one parameter of its own, and one layer only for its weight."""

    def __init__(self):
        super().__init__()
        self.dense, self.table = nn.Linear(3, 3), nn.Linear(3, 2, bias=False)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.dense(self.dense(x)) * self.scale @ self.table.weight.T


def test_every_parameter_is_in_one_row():
    with torch.device("meta"):
        model = Twice()
    found = watched(model, 3)
    rows = found.rows()
    assert [(row.name, row.parameters, row.is_again) for row in rows] == [
        ("dense", 12, False),
        ("dense", 0, True),
        ("", 3, False),
        ("table", 6, False),
    ]
    assert rows[-1].output is None
    assert sum(row.parameters for row in rows) == found.whole.parameters == 21


def test_frozen_parameters_do_not_learn():
    model = small()
    model.conv.requires_grad_(requires_grad=False)
    first, *_, last = watched(model, 1, 28, 28).rows()
    assert (first.parameters, first.learning) == (156, 0)
    assert last.parameters == last.learning == 8650


def nested(levels):
    with torch.device("meta"):
        module: nn.Module = nn.Linear(2, 2)
        for _ in range(levels):
            module = nn.Sequential(module, nn.ReLU())
    return module


@pytest.mark.parametrize(
    ("depth", "names"), [(1, ["0", "1"]), (2, ["0.0", "0.1", "1"]), (9, ["0.0.0", "0.0.1", "0.1", "1"])]
)
def test_layers_fold_at_a_depth(depth, names):
    rows = watched(nested(3), 2).rows(depth)
    assert [row.name for row in rows] == names
    assert sum(row.parameters for row in rows) == 6


def test_long_models_fold_by_themselves():
    with torch.device("meta"):
        model = nn.Sequential(*(nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(30)))
    rows = watched(model, 2).rows()
    assert len(rows) == 30
    assert {(row.kind, row.holds) for row in rows} == {("Sequential", 2)}
    assert len(watched(model, 2).rows(2)) == 60


def test_hooks_are_gone_afterwards():
    model = small()
    watched(model, 1, 28, 28)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
