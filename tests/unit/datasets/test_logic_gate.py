"""Logic gates as data."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dltk.config.errors import OptionError
from dltk.config.settings import SettingsError
from dltk.data.batches import Loading
from dltk.data.specs import Classes
from dltk.datasets import logic_gate


@pytest.mark.parametrize(
    ("gate", "outputs"), [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("nand", [1, 1, 1, 0]), ("xor", [0, 1, 1, 0])]
)
def test_a_gate_has_its_truth_table_for_training_and_for_the_test(gate, outputs):
    config = logic_gate.Config.parse({"gate": gate})
    source = logic_gate.read(config)
    prepared = logic_gate.prepare(config, source.parts["train"])
    for part in ("train", "test"):
        batch: Any = prepared.parse(source.parts[part], Loading()).whole()
        assert torch.equal(batch.inputs, torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]))
        assert batch.targets.tolist() == outputs


def test_an_own_table_decides_the_number_of_inputs():
    config = logic_gate.Config.parse({"table": [[0, 0, 0, 1], [1, 1, 0, 1]]})
    spec: Any = logic_gate.describe(config)
    assert [column.name for column in spec.input.columns] == ["x1", "x2", "x3"]
    prepared = logic_gate.prepare(config, logic_gate.read(config).parts["train"])
    assert prepared.spec.target == spec.target == Classes(("0", "1"))
    assert logic_gate.restore(config, prepared.state()) == prepared


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "found none"),
        ({"gate": "and", "table": [[0, 1]]}, "found both"),
        ({"table": [[0, 1], [0, 0, 1]]}, "table.1: has not as many values"),
        ({"table": [[0, 1], [0, 0]]}, "table.1: repeats the inputs of row 0"),
    ],
)
def test_an_impossible_gate_is_refused(options, message):
    config = logic_gate.Config.parse(options)
    for function in (logic_gate.describe, logic_gate.read):
        with pytest.raises(OptionError, match=message):
            function(config)


@pytest.mark.parametrize("table", [[], [[0]], [[0, 2]], [[0, True]]])
def test_a_table_holds_zeros_and_ones(table):
    with pytest.raises(SettingsError):
        logic_gate.Config.parse({"table": table})
