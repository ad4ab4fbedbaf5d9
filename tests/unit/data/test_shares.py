"""Together, several processes see every sample of every batch once, wherever a run was stopped and resumed."""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dltk.config.errors import DataError
from dltk.data.batches import InMemory, Loading
from dltk.data.disk.rows import DiskRows, RowFile
from dltk.data.fields import Ragged
from dltk.data.plans import balanced, in_order, shuffled
from dltk.data.shares import Shares


def plan_of(kind: str, seed: int, num_samples: int) -> Any:
    return {"shuffled": shuffled(seed), "in_order": in_order, "balanced": balanced(seed, [0, 1] * num_samples)}[kind]


def consumed(batches: Any, epoch: int, stops: list[int]) -> list[list[int]]:
    """Return the ids of each batch, read anew from wherever it was stopped."""
    count = batches.num_batches
    places = sorted({0, count, *(stop for stop in stops if stop < count)})
    found = []
    for start, end in pairwise(places):
        epoch_batches = batches.epoch(epoch, start=start)
        found += [next(epoch_batches).inputs.tolist() for _ in range(end - start)]
    return found


@given(
    num_samples=st.integers(1, 200),
    batch_size=st.integers(1, 70),
    epoch=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
    stops=st.lists(st.integers(0, 200), max_size=4),
    at_a_boundary=st.booleans(),
    size=st.sampled_from([1, 2, 3]),
    kind=st.sampled_from(["shuffled", "in_order"]),
    on_disk=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_every_sample_is_seen_exactly_once_in_the_order_of_the_plan(
    num_samples, batch_size, epoch, seed, stops, at_a_boundary, size, kind, on_disk
):
    ids = torch.arange(num_samples)
    plan = plan_of(kind, seed, num_samples)
    with tempfile.TemporaryDirectory() as folder:
        field: Any = ids
        if on_disk:
            (Path(folder) / "ids").write_bytes(ids.numpy().tobytes())
            field = DiskRows.whole(RowFile(Path(folder) / "ids", torch.int64, (num_samples,)))
        batches = InMemory({"id": field}, {}, Loading(batch_size, plan))
        whole = consumed(batches, epoch, [])
        assert [i for batch in whole for i in batch] == plan(epoch, num_samples).tolist()
        assert sorted(i for batch in whole for i in batch) == list(range(num_samples))
        stops = [0, batches.num_batches - 1, *stops] if at_a_boundary else stops
        if min(map(len, whole)) < size:
            with pytest.raises(DataError, match="fewer samples than there are processes"):
                consumed(Shares(batches, 0, size), epoch, [])
            return
        shares = [consumed(Shares(batches, rank, size), epoch, stops) for rank in range(size)]
        for batch, parts in zip(whole, zip(*shares, strict=True), strict=True):
            assert sorted(i for part in parts for i in part) == sorted(batch)
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
            assert [batch[rank::size] for rank in range(size)] == list(parts)


def test_every_kind_of_field_is_divided():
    words = Ragged.of([[1], [2, 2], [], [4, 4, 4, 4]])
    inputs: Any = {"x": torch.arange(8).view(4, 2), "words": words, "boxes": [torch.full((i,), i) for i in range(4)]}
    batches = InMemory(inputs, {"y": torch.arange(4), "z": torch.arange(4.0)}, Loading(4))
    (share,) = Shares(batches, 1, 2).epoch(0)
    found: Any = share
    assert found.num_samples == 2
    assert found.inputs["x"].tolist() == [[2, 3], [6, 7]]
    assert found.inputs["words"].values.tolist() == [2, 2, 4, 4, 4, 4]
    assert [len(boxes) for boxes in found.inputs["boxes"]] == [1, 3]
    assert found.targets["y"].tolist() == [1, 3]


def test_targets_may_be_none_and_samples_chosen_are_undivided():
    batches = InMemory({"x": torch.arange(5)}, {}, Loading(5))
    shares = Shares(batches, 0, 2)
    (share,) = shares.epoch(0)
    assert (share.targets, share.num_samples) == (None, 3)
    assert (shares.num_samples, shares.num_batches) == (5, 1)
    chosen: Any = shares.take(torch.tensor([4, 2])).whole()
    assert chosen.inputs.tolist() == [4, 2]
    assert shares.whole().num_samples == 5


def test_augmentation_is_that_of_one_process():
    def add_draws(inputs: Any, targets: Any, place: Any) -> Any:
        return {"x": inputs["x"] + 1000 * place.draws}, targets

    batches = InMemory({"x": torch.arange(7)}, {}, Loading(4, shuffled(3), augment=add_draws))
    for rank in range(2):
        for whole, part in zip(batches.epoch(1), Shares(batches, rank, 2).epoch(1), strict=True):
            one: Any = whole.inputs
            assert part.inputs.tolist() == one.tolist()[rank::2]  # type: ignore[union-attr]
