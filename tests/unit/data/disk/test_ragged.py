"""Sequences of unequal length in a file are read as if they lay in memory, and not kept."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from dltk.config.errors import WriteError
from dltk.data.batches import InMemory, Loading
from dltk.data.disk import ragged as ragged_module
from dltk.data.disk.ragged import DiskRagged, set_aside, stored_ragged
from dltk.data.disk.store import WantedBytes, entries, store_directory
from dltk.data.duplicates import of_fields
from dltk.data.fields import Ragged
from dltk.data.plans import shuffled

SEQUENCES = [[5, 6], [], [7], [1, 2, 3, 4], [], [9, 8, 7], [3]]
WHOLE = Ragged.of(SEQUENCES)
PAIRS = Ragged(torch.stack([WHOLE.values.float(), WHOLE.values / 3], dim=1), WHOLE.offsets)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))


def on_disk(field: Ragged, sizes: tuple[int, ...] = (3, 2, 2)) -> DiskRagged:
    def parts() -> Iterator[Ragged]:
        for indices in torch.split(torch.arange(len(field)), list(sizes)):
            yield field.take(indices)

    return stored_ragged(WantedBytes({"of": str(field.values.dtype)}, 100, "encoded texts"), parts)


def same(one: Any, other: Any) -> bool:
    return torch.equal(one.values, other.values) and torch.equal(one.offsets, other.offsets)


@pytest.mark.parametrize("field", [WHOLE, PAIRS])
def test_sequences_are_what_was_written(field):
    stored = on_disk(field)
    assert len(stored) == 7
    assert stored.nbytes == field.values.nbytes + 2 * 7 * 8
    for order in (torch.arange(7), torch.tensor([6, 0, 3, 3, 1]), torch.tensor([], dtype=torch.int64)):
        assert same(stored.read(order), field.take(order))
        assert same(stored.take(order).read(torch.arange(len(order))), field.take(order))


def test_an_entry_is_found_again():
    first = on_disk(WHOLE)
    again = on_disk(WHOLE)
    assert len(entries()) == 1
    assert same(first.read(torch.arange(7)), again.read(torch.arange(7)))


def test_chunks_are_bounded_by_their_values(monkeypatch):
    monkeypatch.setattr(ragged_module, "CHUNK_BYTES", 12)
    chunks = list(on_disk(WHOLE).chunks())
    assert [len(some) for some in chunks] == [3, 1, 2, 1]
    assert torch.equal(torch.cat([some.values for some in chunks]), WHOLE.values)


@pytest.mark.parametrize("start", [0, 2])
@pytest.mark.parametrize("field", [WHOLE, PAIRS])
def test_batches_and_digest_are_those_of_sequences_in_memory(field, start):
    targets = {"y": torch.arange(7)}
    loading = Loading(3, shuffled(1))
    stored, held = (InMemory({"x": x}, targets, loading) for x in (on_disk(field), field))
    one: Any
    other: Any
    for one, other in zip(stored.epoch(2, start=start), held.epoch(2, start=start), strict=True):
        assert same(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)
    some = torch.tensor([4, 5, 2])
    assert stored.digest() == held.digest()
    assert stored.take(some).digest() == held.take(some).digest() != stored.digest()
    assert same(stored.whole().inputs, field)
    assert (stored.lies, held.lies) == ("on disk", "in memory")
    assert torch.equal(of_fields(stored.stored_inputs()), of_fields({"x": field}))


def test_all_sequences_may_be_empty():
    empty = Ragged.of([[], []])
    stored = stored_ragged(WantedBytes({}, 1, "nothing"), lambda: iter([empty]))
    assert same(stored.read(torch.arange(2)), empty)
    assert [len(some) for some in stored.chunks()] == [2]


@pytest.mark.parametrize("field", [WHOLE, PAIRS])
def test_sequences_that_are_set_aside_leave_no_file(field):
    waiting = set_aside(field.take(indices) for indices in torch.split(torch.arange(7), 3))
    assert torch.equal(torch.cat([some.values for some in waiting.chunks()]), field.values)
    assert same(waiting.read(torch.tensor([5, 0])), field.take(torch.tensor([5, 0])))
    assert list(store_directory().iterdir()) == []


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "file"))
    with pytest.raises(WriteError, match="cannot set encoded texts aside"):
        set_aside(iter([WHOLE]))
