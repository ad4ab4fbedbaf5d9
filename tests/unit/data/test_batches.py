"""Batches: every sample exactly once per epoch, in the planned order, from any start."""

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.fields import Ragged
from dltk.data.moved import OnDevice
from dltk.data.plans import in_order, shuffled

SIZES = st.integers(1, 200)


def batches_of(num_samples, batch_size, plan=in_order):
    ids = torch.arange(num_samples)
    return InMemory({"id": ids}, {"double": 2 * ids}, Loading(batch_size, plan))


def ids_of(batches):
    return [batch.inputs.tolist() for batch in batches]


@given(SIZES, SIZES, st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_is_the_plan_in_order_exactly_once(num_samples, batch_size, seed, number):
    plan = shuffled(seed)
    found = ids_of(batches_of(num_samples, batch_size, plan).epoch(number))
    assert sum(found, []) == plan(number, num_samples).tolist()  # noqa: RUF017
    assert sorted(sum(found, [])) == list(range(num_samples))  # noqa: RUF017


@given(SIZES, SIZES, st.integers(0, 210))
def test_starting_later_is_skipping(num_samples, batch_size, start):
    batches = batches_of(num_samples, batch_size, shuffled(1))
    assert ids_of(batches.epoch(2, start=start)) == ids_of(batches.epoch(2))[start:]


@given(SIZES, SIZES)
def test_batches_are_full_but_for_the_last_and_never_of_one_by_chance(num_samples, batch_size):
    batches = batches_of(num_samples, batch_size)
    sizes = [len(ids) for ids in ids_of(batches.epoch(0))]
    assert batches.num_batches == len(sizes)
    assert all(size == batch_size for size in sizes[:-1])
    assert sizes[-1] <= batch_size + 1
    if batch_size > 1 and num_samples > 1:
        assert sizes[-1] > 1


def test_a_trailing_batch_of_one_joins_its_neighbour():
    assert ids_of(batches_of(9, 4).epoch(0)) == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]
    assert ids_of(batches_of(10, 4).epoch(0)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert ids_of(batches_of(1, 4).epoch(0)) == [[0]]
    assert ids_of(batches_of(3, 1).epoch(0)) == [[0], [1], [2]]


def test_no_samples_are_no_batches():
    assert ids_of(batches_of(0, 4).epoch(0)) == []
    assert batches_of(0, 4).num_batches == 0


def test_each_epoch_and_seed_has_its_own_order_the_same_on_every_run():
    orders = {(seed, number): shuffled(seed)(number, 50).tolist() for seed in range(3) for number in range(3)}
    assert len({str(order) for order in orders.values()}) == 9
    torch.manual_seed(7)
    assert shuffled(2)(1, 50).tolist() == orders[2, 1]


def test_inputs_and_targets_stay_together():
    for batch in batches_of(20, 3, shuffled(0)).epoch(0):
        assert torch.equal(batch.targets, 2 * batch.inputs)
        assert batch.num_samples == len(batch.inputs)


@given(st.lists(st.integers(0, 9), max_size=20))
def test_take_keeps_the_chosen_samples_in_order(indices):
    taken = batches_of(10, 4).take(torch.tensor(indices, dtype=torch.int64))
    assert taken.num_samples == len(indices)
    assert sum(ids_of(taken.epoch(0)), []) == indices  # noqa: RUF017


def test_whole_is_every_sample_as_it_stands():
    whole = batches_of(10, 4, shuffled(0)).whole()
    assert whole.inputs.tolist() == list(range(10))
    assert whole.num_samples == 10


def test_stored_inputs_are_finished_once_per_batch():
    images = torch.full((5, 1, 2, 2), 255, dtype=torch.uint8)
    calls = []

    def finish(fields):
        calls.append(len(fields["image"]))
        return {"image": fields["image"].float() / 255}

    batches = InMemory({"image": images}, {}, Loading(2), finish)
    first: Any = next(batches.take(torch.arange(4)).epoch(0))
    assert calls == [2]
    assert first.inputs.dtype == torch.float32
    assert first.inputs.max() == 1
    assert first.targets is None


def test_a_single_field_stands_by_itself_and_several_by_name():
    one, two = torch.zeros(2), torch.ones(2)
    assert Batch.of({"a": one}, {"b": two}, 2).inputs is one
    assert Batch.of({"a": one, "b": two}, {}, 2).inputs == {"a": one, "b": two}
    assert Batch.of({"a": one}, {"a": one, "b": two}, 2).targets == {"a": one, "b": two}


def test_joined_batches_are_the_samples_in_order():
    words = Ragged.of([[1, 2], [], [3], [4, 5, 6], [7]])
    batches = InMemory({"words": words, "id": torch.arange(5)}, {"y": torch.arange(5)}, Loading(2, shuffled(0)))
    parts: list[Any] = list(batches.epoch(0))
    whole: Any = Batch.joined(parts)
    assert whole.num_samples == 5
    assert whole.inputs["id"].tolist() == [i for part in parts for i in part.inputs["id"].tolist()]
    expected = words.take(whole.inputs["id"])
    assert torch.equal(whole.inputs["words"].values, expected.values)
    assert torch.equal(whole.inputs["words"].offsets, expected.offsets)
    assert torch.equal(whole.targets, whole.inputs["id"])
    assert Batch.joined([Batch(torch.zeros(2), None, 2)] * 2).targets is None


def test_a_batch_moves_with_all_it_holds():
    batch: Any = Batch({"a": torch.zeros(2), "b": Ragged.of([[1], [2]])}, torch.zeros(2), 2).to(torch.device("meta"))
    assert {batch.inputs["a"].device.type, batch.inputs["b"].values.device.type, batch.targets.device.type} == {"meta"}


def test_the_digest_tells_the_same_samples_from_others():
    def digest(x: torch.Tensor, y: torch.Tensor, size: int = 4) -> str:
        return InMemory({"x": x}, {"y": y}, Loading(size, shuffled(size))).digest()

    x, y = torch.arange(12.0).reshape(6, 2), torch.arange(6)
    same = digest(x, y)
    assert digest(x.clone(), y, size=2) == same, "order and size are how samples are seen, not what they are"
    assert (
        len({same, digest(x.flip(0), y), digest(x, y + 1), digest(x.reshape(6, 1, 2), y), digest(x.double(), y)}) == 5
    )


def test_batches_from_elsewhere_come_on_the_device():
    class Stream:
        num_samples = num_batches = None

        def epoch(self, number, *, start=0):
            return (Batch(torch.zeros(2, 3), {"y": torch.zeros(2)}, 2) for _ in range(3 - start))

        def take(self, indices):
            return self

        def whole(self):
            return Batch(torch.zeros(6, 3), None, 6)

    stream: Any = Stream()
    moved: Any = OnDevice(stream, torch.device("meta"))
    assert [batch.inputs.device.type for batch in moved.epoch(0, start=1)] == ["meta", "meta"]
    assert moved.take(torch.tensor([0])).whole().inputs.device.type == "meta"
    assert (moved.num_samples, moved.num_batches) == (None, None)


def halved(inputs, targets, place):
    marks = torch.stack([torch.full_like(place.draws, place.epoch), torch.full_like(place.draws, place.batch)], 1)
    return {"id": inputs["id"] / 2}, {"place": torch.cat([marks, place.draws[:, None]], 1), **targets}


def augmented_batches(plan):
    ids = torch.arange(6, dtype=torch.uint8)
    loading = Loading(2, plan, augment=halved)
    return InMemory({"id": ids}, {}, loading, plus_hundred, unpack=as_floats)


def as_floats(fields: Any) -> Any:
    return {"id": fields["id"].float()}


def plus_hundred(fields: Any) -> Any:
    return {"id": fields["id"] + 100}


def test_augmentation_stands_between_unpacking_and_finishing_and_knows_its_place():
    batches = augmented_batches(shuffled(0))
    order = shuffled(0)(3, 6)
    for number, batch in enumerate(batches.epoch(3, start=1), 1):
        indices = order[2 * number : 2 * number + 2]
        assert torch.equal(batch.inputs, indices / 2 + 100)
        assert batch.targets.tolist() == [[3, number, index] for index in indices.tolist()]


def test_only_epochs_are_augmented():
    batches = augmented_batches(in_order)
    plain = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]
    assert batches.whole().inputs.tolist() == plain
    assert sum(ids_of(batches.take(torch.arange(6)).epoch(0)), []) == plain  # noqa: RUF017
    assert batches.whole().targets is None
    assert batches.digest() == batches.loaded(Loading(3)).digest()
    assert batches.stored_inputs()["id"].dtype == torch.uint8


def test_a_sample_that_a_plan_repeats_is_varied_anew():
    batches = augmented_batches(lambda _epoch, _n: torch.tensor([5, 5, 1, 5, 0, 2]))
    draws = torch.cat([batch.targets[:, 2] for batch in batches.epoch(0)])
    assert draws.tolist() == [5, 11, 1, 17, 0, 2]


def test_the_same_samples_can_be_batched_in_another_way_without_a_copy():
    batches = augmented_batches(in_order)
    other = batches.loaded(Loading(4, shuffled(1)))
    assert [len(batch.inputs) for batch in other.epoch(0)] == [4, 2]
    assert other.stored_inputs()["id"].data_ptr() == batches.stored_inputs()["id"].data_ptr()
    assert (batches.loading.batch_size, other.loading.augment) == (2, None)
