"""Names and shapes of weights, without reading the weights."""

import os
import struct

import pytest
import torch

from dltk.training.runs.rundir import RunDir
from dltk.training.saving.headers import weight_shapes
from dltk.training.saving.storage import write_directory

WEIGHTS = {
    "second": {"b": torch.zeros(3, 2), "a": torch.ones(1, dtype=torch.int64)},
    "list": [torch.zeros(0)],
    "x": torch.zeros(()),
}
SHAPES = {"second/b": [3, 2], "second/a": [1], "list/0": [0], "x": []}


@pytest.fixture
def run(tmp_path):
    write_directory(tmp_path / "checkpoints" / "step-00000001", {"model": {"old": torch.zeros(1)}}, {})
    write_directory(tmp_path / "checkpoints" / "step-00000002", {"model": WEIGHTS}, {})
    return RunDir(tmp_path)


def test_shapes_are_those_of_the_newest_checkpoint_in_the_order_of_the_model(run):
    assert list(weight_shapes(run).items()) == list(SHAPES.items())


@pytest.mark.parametrize(
    "content", [b"", b"\x01", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 2) + b"[]", os.urandom(64)]
)
def test_a_file_that_is_no_header_is_passed_over(run, content):
    (run.checkpoints / "step-00000002" / "model.safetensors").write_bytes(content)
    assert weight_shapes(run) == {"old": [1]}


def test_a_run_without_checkpoints_has_none(tmp_path):
    assert weight_shapes(RunDir(tmp_path)) == {}
