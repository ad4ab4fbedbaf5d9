"""Duplicates across splits are counted whatever the fields are."""

import torch

from dltk.data.batches import InMemory, Loading, OnDevice
from dltk.data.duplicates import duplicates_across, fingerprints
from dltk.data.fields import Ragged
from dltk.data.splits import Splits
from tests.unit.training.tiny import NOTHING_FITTED

IMAGES = torch.randint(0, 256, (20, 1, 3, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def batches(**inputs):
    return InMemory(inputs, {}, Loading())


def said(train, val=None, test=None):
    return [str(one) for one in duplicates_across(Splits(train, val, test, NOTHING_FITTED))]


def test_a_sample_is_a_duplicate_where_all_its_inputs_are():
    ids = torch.arange(20)
    train = batches(image=IMAGES[:10], id=ids[:10])
    assert said(train, batches(image=IMAGES[10:], id=ids[10:]), batches(image=IMAGES[8:12], id=ids[8:12])) == [
        "2 of 4 test samples are also in the training split"
    ]
    assert said(train, batches(image=IMAGES[9:10], id=ids[9:10])) == ["1 of 1 val sample is also in the training split"]
    assert said(train, batches(image=IMAGES[:10], id=ids[:10] + 1)) == []


def test_sequences_are_told_apart_by_order_and_length():
    train = batches(tokens=Ragged.of([[1, 2, 3], [0, 0], []]))
    others = Ragged.of([[3, 2, 1], [0, 0, 0], [1, 2], [2, 1, 3], [0]])
    assert said(train, batches(tokens=others)) == []
    assert said(train, batches(tokens=Ragged.of([[], [0, 0], [4]]))) == [
        "2 of 3 val samples are also in the training split"
    ]


def test_lists_of_tensors_are_compared_one_by_one():
    train = batches(box=[torch.ones(2, 3), torch.zeros(4)])
    assert said(train, batches(box=[torch.zeros(4), torch.zeros(5), torch.ones(2, 2)])) == [
        "1 of 3 val samples is also in the training split"
    ]


def test_a_difference_in_any_bit_counts():
    base = torch.zeros(1, 40)
    changed = torch.zeros(40 * 32, 40)
    bits = changed.view(torch.int32)
    for i in range(40 * 32):
        bits[i, i // 32] = 1 << (i % 32) if i % 32 < 31 else -(2**31)
    prints = fingerprints(batches(x=torch.cat([base, changed])))
    assert len(prints.unique()) == len(prints)


def test_there_is_nothing_to_say_of_streams_and_without_held_out_splits():
    train = batches(image=IMAGES)
    assert said(train) == []
    assert said(OnDevice(train, torch.device("cpu")), train) == []
