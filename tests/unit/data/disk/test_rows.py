"""Samples of a file are read as if they lay in memory, and not kept."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from dltk.config.errors import IntegrityError
from dltk.data.batches import InMemory, Loading
from dltk.data.disk.rows import DiskRows, RowFile, in_chunks
from dltk.data.plans import shuffled

ROWS = torch.arange(60, dtype=torch.uint8).view(10, 2, 3)


@pytest.fixture
def rows(tmp_path: Path) -> DiskRows:
    (tmp_path / "values").write_bytes(ROWS.numpy().tobytes())
    return DiskRows.whole(RowFile(tmp_path / "values", torch.uint8, (10, 2, 3)))


def test_samples_are_what_was_written(rows):
    assert (len(rows), rows.shape, rows.dtype, rows.nbytes) == (10, (10, 2, 3), torch.uint8, 60)
    order = torch.tensor([7, 0, 7, 3])
    assert torch.equal(rows.read(order), ROWS[order])
    assert torch.equal(torch.cat(list(rows.chunks())), ROWS)


def test_samples_can_be_chosen_again_and_again(rows):
    chosen = rows.take(torch.tensor([9, 5, 1])).take(torch.tensor([2, 0]))
    assert (len(chosen), chosen.nbytes) == (2, 12)
    assert torch.equal(torch.cat(list(in_chunks(chosen))), ROWS[[1, 9]])


def test_a_deleted_file_is_read_on(rows, tmp_path):
    (tmp_path / "values").unlink()
    assert torch.equal(rows.read(torch.arange(10)), ROWS)


@pytest.mark.parametrize("start", [0, 2])
def test_batches_and_digest_are_those_of_samples_in_memory(rows, start):
    targets = {"y": torch.arange(10)}
    loading = Loading(3, shuffled(1))
    on_disk, in_memory = (InMemory({"x": x}, targets, loading) for x in (rows, ROWS))
    one: Any
    other: Any
    for one, other in zip(on_disk.epoch(2, start=start), in_memory.epoch(2, start=start), strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)
    some = torch.tensor([4, 8, 2])
    assert on_disk.digest() == in_memory.digest()
    assert on_disk.take(some).digest() == in_memory.take(some).digest() != on_disk.digest()
    whole: Any = on_disk.whole()
    assert torch.equal(whole.inputs, ROWS)
    assert (on_disk.lies, in_memory.lies, on_disk.num_bytes) == ("on disk", "in memory", 60 + 80)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells what is held")
def test_reading_a_large_file_holds_none_of_it(tmp_path):
    num_bytes = 1 << 29
    with (tmp_path / "large").open("wb") as file:
        file.truncate(num_bytes)
    large = DiskRows.whole(RowFile(tmp_path / "large", torch.uint8, (num_bytes // 4096, 4096)))
    before = held_bytes()
    for some in torch.split(torch.randperm(len(large)), 1024):
        assert not large.read(some).any()
    assert held_bytes() - before < num_bytes // 8


def test_a_file_that_becomes_shorter_is_told(rows, tmp_path):
    os.truncate(tmp_path / "values", 40)
    assert torch.equal(rows.read(torch.arange(6)), ROWS[:6])
    with pytest.raises(IntegrityError, match="has become shorter"):
        rows.read(torch.tensor([7]))


def test_no_rows_are_no_samples(rows):
    assert rows.read(torch.empty(0, dtype=torch.int64)).shape == (0, 2, 3)
    assert len(rows.take(torch.empty(0, dtype=torch.int64))) == 0


def held_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("gap", [0, 1, 3, 100])
@pytest.mark.parametrize("chosen", [[0, 1, 2], [0, 2, 3, 6, 9], [5, 4, 3, 3, 9], [9, 0, 2], [7]])
def test_rows_between_those_that_are_wanted_change_nothing(rows, monkeypatch, gap, chosen):
    monkeypatch.setattr("dltk.data.disk.rows.GAP_BYTES", gap * rows.file.bytes_per_row)
    assert rows.read(torch.tensor(chosen)).equal(ROWS[chosen])
