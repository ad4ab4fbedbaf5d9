"""Fields against plain lists."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dltk.data.fields import Ragged, concatenate, take, tensors_of, to_device

SEQUENCES = st.lists(st.lists(st.integers(0, 100), max_size=5), max_size=8)


def lists(ragged):
    return [part.tolist() for part in torch.tensor_split(ragged.values, ragged.offsets[1:-1])] if len(ragged) else []


@given(SEQUENCES)
def test_ragged_packs_lists(sequences):
    ragged = Ragged.of(sequences)
    assert lists(ragged) == sequences
    assert len(ragged) == len(sequences)
    assert ragged.lengths.tolist() == [len(sequence) for sequence in sequences]
    assert ragged.rows.tolist() == [i for i, sequence in enumerate(sequences) for _ in sequence]
    assert (ragged.values.dtype, ragged.offsets.dtype) == (torch.int32, torch.int64)


@given(SEQUENCES, st.data())
def test_ragged_takes_like_a_list(sequences, data):
    indices = data.draw(st.lists(st.integers(0, len(sequences) - 1), max_size=10)) if sequences else []
    taken = take(Ragged.of(sequences), torch.tensor(indices, dtype=torch.int64))
    assert isinstance(taken, Ragged)
    assert lists(taken) == [sequences[i] for i in indices]
    assert taken.values.dtype == torch.int32


@given(st.lists(SEQUENCES, min_size=1, max_size=4))
def test_ragged_concatenates_like_lists(parts):
    assert lists(concatenate([Ragged.of(part) for part in parts])) == [sequence for part in parts for sequence in part]


def test_ragged_holds_rows_of_any_shape():
    ragged = Ragged(torch.arange(12.0).reshape(6, 2), torch.tensor([0, 1, 1, 6]))
    taken = ragged.take(torch.tensor([2, 0]))
    assert taken.values.tolist() == [*ragged.values[1:].tolist(), ragged.values[0].tolist()]
    assert taken.offsets.tolist() == [0, 5, 6]


def test_tensors_and_lists_of_tensors_are_taken_in_order():
    indices = torch.tensor([2, 0, 2])
    tensor, boxes = torch.arange(6).reshape(3, 2), [torch.full((i, 5), i) for i in range(3)]
    numbers: Any = take(tensor, indices)
    lengths: Any = take(boxes, indices)
    assert numbers.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert [len(box) for box in lengths] == [2, 0, 2]


def test_fields_of_one_kind_are_joined():
    joined: Any = concatenate([torch.tensor([1]), torch.tensor([2, 3])])
    assert joined.tolist() == [1, 2, 3]
    first, second = torch.zeros(1, 5), torch.ones(2, 5)
    assert concatenate([[first], [second]]) == [first, second]


def test_fields_of_different_kinds_are_not_joined():
    with pytest.raises(TypeError, match=r"received \['Tensor', 'Ragged'\]"):
        concatenate([torch.zeros(1), Ragged.of([[1]])])


def test_every_kind_of_field_moves_with_all_its_tensors():
    meta = torch.device("meta")
    for field, shapes in (
        (torch.zeros(3, 2), [(3, 2)]),
        (Ragged.of([[1, 2], [3]]), [(3,), (3,)]),
        ([torch.zeros(2), torch.zeros(1)], [(2,), (1,)]),
    ):
        moved = tensors_of(to_device(field, meta))
        assert all(tensor.device == meta for tensor in moved)
        assert [tensor.shape for tensor in tensors_of(field)] == [tensor.shape for tensor in moved] == shapes
