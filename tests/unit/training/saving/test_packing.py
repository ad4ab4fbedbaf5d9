"""Tensors are written as safetensors writes them, byte by byte, and without a copy of them in memory."""

import os
import subprocess
import sys

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.training.saving.packing import Packed

TYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
]
TENSORS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.tuples(st.sampled_from(TYPES), st.lists(st.integers(0, 4), max_size=3)),
    max_size=6,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TENSORS)
def test_the_bytes_are_those_of_the_library(described):
    tensors = {name: torch.randint(0, 2, shape).to(kind) for name, (kind, shape) in described.items()}
    packed = Packed(tensors)
    content = b"".join(packed)
    assert content == b"".join(packed), "each time the same"
    assert len(content) == packed.num_bytes
    assert content == safetensors.torch.save(tensors)


def test_what_lies_otherwise_in_memory_is_written_in_order():
    picture = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    tensors = {"picture": picture, "turned": torch.arange(6).reshape(2, 3).T, "part": torch.arange(9)[::2]}
    loaded = safetensors.torch.load(b"".join(Packed(tensors)))
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("tensor", [torch.zeros(2, dtype=torch.complex64), torch.eye(2).to_sparse()])
def test_what_the_format_does_not_have_is_refused(tensor):
    with pytest.raises(TypeError, match=r"weight: .* cannot be stored"):
        Packed({"weight": tensor})


MEGABYTES = 256
PROGRAM = f"""
import resource, sys, torch
from pathlib import Path
from dltk.training.saving.storage import write_directory
tensor = torch.ones({MEGABYTES} * 2**18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_directory(Path(sys.argv[1]) / "saved", {{"model": {{"weight": tensor}}}}, {{}})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs resource")
def test_saving_needs_no_memory_of_the_size_of_what_is_saved(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True, capture_output=True, text=True)
    assert int(done.stdout) < MEGABYTES * 2**10 / 8
