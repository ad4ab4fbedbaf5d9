"""All targets are those of the samples as they are stored, in whatever order and mixture they are trained on."""

import torch

from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.moved import OnDevice
from dltk.data.plans import shuffled
from dltk.data.targets import all_targets, target_of

CPU = torch.device("cpu")
INPUTS, CLASSES = torch.rand(7, 2), torch.arange(7)


def blended(inputs, targets, place):
    return inputs, {"y": torch.full((len(place.draws), 7), 1 / 7)}


def test_targets_are_the_stored_ones_though_training_mixes_and_shuffles_them():
    batches = InMemory({"x": INPUTS}, {"y": CLASSES}, Loading(3, shuffled(0), augment=blended))
    assert target_of(next(batches.epoch(0))).is_floating_point()
    assert all_targets(batches).tolist() == CLASSES.tolist()


def test_targets_that_do_not_lie_in_memory_are_read_batch_by_batch():
    batches = OnDevice(InMemory({"x": INPUTS}, {"y": CLASSES}, Loading(3)), CPU)
    assert all_targets(batches).tolist() == CLASSES.tolist()


def test_the_target_of_a_batch_is_its_only_field():
    assert target_of(Batch.of({"x": INPUTS}, {"y": CLASSES}, 7)) is CLASSES
