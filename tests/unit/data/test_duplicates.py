"""Duplicates across splits are counted whatever the fields are."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch

from dltk.data.batches import InMemory, Loading
from dltk.data.duplicates import duplicates_across, fingerprints, of_fields
from dltk.data.fields import Ragged
from dltk.data.moved import OnDevice
from dltk.data.samples import Columns
from dltk.data.specs import Image, Spec
from dltk.data.splits import Splits

NOTHING_FITTED: Any = SimpleNamespace(spec=Spec({}, {}))
IMAGES = torch.randint(0, 256, (20, 1, 3, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def split(**inputs):
    """Return raw samples, and the batches that a preparation that changes nothing makes of them."""
    return Columns(inputs, {}), InMemory(inputs, {}, Loading())


def said(train, val=None, test=None, preparation=NOTHING_FITTED):
    held = {"train": train, "val": val, "test": test}
    parts = {name: one[0] for name, one in held.items() if one is not None}
    batches: Any = {name: None if one is None else one[1] for name, one in held.items()}
    return [str(one) for one in duplicates_across(Splits(**batches, preparation=preparation), parts)]


def test_a_sample_is_a_duplicate_where_all_its_inputs_are():
    ids = torch.arange(20)
    train = split(image=IMAGES[:10], id=ids[:10])
    assert said(train, split(image=IMAGES[10:], id=ids[10:]), split(image=IMAGES[8:12], id=ids[8:12])) == [
        "2 of 4 test samples are also in the training split"
    ]
    assert said(train, split(image=IMAGES[9:10], id=ids[9:10])) == ["1 of 1 val sample is also in the training split"]
    assert said(train, split(image=IMAGES[:10], id=ids[:10] + 1)) == []


def test_sequences_are_told_apart_by_order_and_length():
    train = split(tokens=Ragged.of([[1, 2, 3], [0, 0], []]))
    others = Ragged.of([[3, 2, 1], [0, 0, 0], [1, 2], [2, 1, 3], [0]])
    assert said(train, split(tokens=others)) == []
    assert said(train, split(tokens=Ragged.of([[], [0, 0], [4]]))) == [
        "2 of 3 val samples are also in the training split"
    ]


def test_lists_of_tensors_are_compared_one_by_one():
    train = split(box=[torch.ones(2, 3), torch.zeros(4)])
    assert said(train, split(box=[torch.zeros(4), torch.zeros(5), torch.ones(2, 2)])) == [
        "1 of 3 val samples is also in the training split"
    ]


def test_what_only_encoding_makes_alike_is_no_duplicate():
    blank = InMemory({"x": torch.zeros(3, 1)}, {}, Loading())
    frame = pd.DataFrame({"date": ["Jan 1", "Jan 2", None], "place": ["a", "a", "b"]})
    for train, other in [
        (["good film", "bad film", ""], ["good", "bad film", " "]),
        (frame, frame.assign(date=["Feb 1", "Jan 2", "Feb 3"])),
        (np.arange(3), np.array([7, 1, 8])),
    ]:
        found = said((Columns({"x": train}, {}), blank), None, (Columns({"x": other}, {}), blank))
        assert found == ["1 of 3 test samples is also in the training split"]


def test_of_samples_that_are_not_at_hand_nothing_is_said_and_the_encoded_ones_are_compared():
    blank = InMemory({"x": torch.zeros(3, 1)}, {}, Loading())
    for samples in (Columns({"x": [object()] * 3}, {}), Columns({"x": ["a", "b"]}, {}), ["stream"]):
        assert said((samples, blank), (samples, blank)) == []
        prints = fingerprints(samples, blank, Spec({}, {}))
        assert prints is not None
        assert not prints.as_read
        assert len(prints.numbers.unique()) == 1


def test_images_of_files_are_compared_byte_by_byte(tmp_path):
    spec = Spec({"image": Image(1, 1, 1)}, {})
    blank = InMemory({"image": torch.zeros(3, 1, 1, 1)}, {}, Loading())
    for name, content in {"a": b"1", "b": b"2", "c": b"3", "copy": b"2"}.items():
        (tmp_path / name).write_bytes(content)
    train, other = (Columns({"image": [str(tmp_path / name) for name in names]}, {}) for names in ("abc", ["copy"] * 3))
    known, own = fingerprints(train, blank, spec), fingerprints(other, blank, spec)
    assert known is not None
    assert own is not None
    assert (known.as_read, own.as_read) == (True, True)
    assert own.numbers.tolist() == [known.numbers[1].item()] * 3
    (tmp_path / "a").unlink()
    gone = fingerprints(train, blank, spec)
    assert gone is not None
    assert not gone.as_read


def test_a_difference_in_any_bit_counts():
    base = torch.zeros(1, 40)
    changed = torch.zeros(40 * 32, 40)
    bits = changed.view(torch.int32)
    for i in range(40 * 32):
        bits[i, i // 32] = 1 << (i % 32) if i % 32 < 31 else -(2**31)
    prints = of_fields({"x": torch.cat([base, changed])})
    assert len(prints.unique()) == len(prints)


def test_there_is_nothing_to_say_of_streams_and_without_held_out_splits():
    samples, batches = split(image=IMAGES)
    assert said((samples, batches)) == []
    assert said((samples, OnDevice(batches, torch.device("cpu"))), (samples, batches)) == []
