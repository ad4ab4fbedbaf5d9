"""Samples lie on the device where they fit; else each batch comes there ahead of time, and nobody waits."""

from typing import Any

import pytest
import torch

from dltk.data import bringing
from dltk.data.batches import InMemory, Loading
from dltk.data.bringing import home_of
from dltk.data.disk.rows import DiskRows, RowFile
from dltk.data.fields import Ragged
from dltk.data.plans import shuffled

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
IMAGES = torch.arange(5000, dtype=torch.int32).view(1000, 5)


def test_on_the_cpu_everything_is_at_home_and_nothing_is_copied():
    assert home_of([IMAGES, Ragged.of([[1]])], CPU) == CPU
    batches = InMemory({"x": IMAGES}, {}, Loading(7))
    stored: Any = batches.stored_inputs()["x"]
    assert stored.data_ptr() == IMAGES.data_ptr()


def test_rows_on_disk_are_read_by_the_host(tmp_path):
    (tmp_path / "x").write_bytes(IMAGES.numpy().tobytes())
    rows = DiskRows.whole(RowFile(tmp_path / "x", torch.int32, (1000, 5)))
    assert home_of([rows], CUDA) == CPU


@needs_cuda
@pytest.mark.gpu
def test_what_fits_the_gpu_lies_there_and_what_does_not_comes_ahead(monkeypatch):
    def batches():
        words = Ragged.of([[i] * (i % 3) for i in range(1000)])
        return InMemory({"x": IMAGES, "w": words}, {"y": torch.arange(1000)}, Loading(64, shuffled(2), CUDA))

    there = batches()
    monkeypatch.setattr(bringing, "SHARE_OF_GPU", 0.0)
    ahead = batches()
    assert (there.lies, ahead.lies) == ("in memory of cuda", "in memory of the host")
    assert ahead.loaded(ahead.loading).lies == "in memory of the host"
    one: Any
    other: Any
    for one, other in zip(there.epoch(1, start=2), ahead.epoch(1, start=2), strict=True):
        assert other.inputs["x"].device.type == "cuda"
        assert torch.equal(one.inputs["x"], other.inputs["x"])
        assert torch.equal(one.inputs["w"].values, other.inputs["w"].values)
        assert torch.equal(one.targets, other.targets)
    assert there.digest() == ahead.digest()


@needs_cuda
@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_the_host_never_waits_inside_an_epoch(monkeypatch):
    monkeypatch.setattr(bringing, "SHARE_OF_GPU", 0.0)
    epoch = InMemory({"x": IMAGES}, {}, Loading(64, shuffled(2), CUDA)).epoch(0)
    first: Any = next(epoch)
    total = first.inputs.sum()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in epoch:
            found: Any = batch.inputs
            total = total + found.sum()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert int(total) == int(IMAGES.sum())
