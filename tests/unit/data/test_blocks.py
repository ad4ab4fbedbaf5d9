import pytest
import torch

from dltk.config.errors import DataError
from dltk.data import blocks as module
from dltk.data.batches import Batch, InMemory, Loading
from dltk.data.blocks import Blocks, Epoch
from dltk.data.plans import shuffled
from dltk.data.targets import target_of

INPUTS = torch.arange(23.0)[:, None]


def epoch(batch_size: int, start: int = 0) -> Epoch:
    return Epoch(InMemory({"x": INPUTS}, {"y": INPUTS[:, 0]}, Loading(batch_size, shuffled(0))), 0, start)


def inputs_of(blocks: Blocks) -> list[list[float]]:
    return [block.inputs.flatten().tolist() for block in blocks if isinstance(block.inputs, torch.Tensor)]


def test_batches_are_joined_until_there_are_enough_samples(monkeypatch):
    monkeypatch.setattr(module, "MIN_SAMPLES", 8)
    blocks = Blocks(epoch(4))
    assert [len(each) for each in inputs_of(blocks)] == [8, 8, 7]
    assert torch.cat([target_of(block) for block in blocks]).equal(torch.cat([target_of(each) for each in epoch(4)]))


def test_batches_are_joined_until_there_are_enough_bytes(monkeypatch):
    monkeypatch.setattr(module, "MIN_BYTES", 5 * INPUTS[:1].nbytes)
    assert [len(each) for each in inputs_of(Blocks(epoch(4)))] == [8, 8, 7]


def test_blocks_do_not_depend_on_the_size_of_batches_that_divide_them(monkeypatch):
    monkeypatch.setattr(module, "MIN_SAMPLES", 8)
    assert inputs_of(Blocks(epoch(4))) == inputs_of(Blocks(epoch(8))) == inputs_of(Blocks(epoch(2)))


def test_every_pass_is_the_same():
    blocks = Blocks(epoch(4))
    assert inputs_of(blocks) == inputs_of(blocks)


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_the_batches_of_a_pass_are_counted(passes):
    blocks = Blocks(epoch(4, start=2))
    for _ in range(passes):
        list(blocks)
    assert blocks.num_batches == 4


def test_a_pass_that_was_left_early_does_not_count():
    blocks = Blocks(epoch(4))
    next(iter(blocks))
    assert blocks.num_batches == 6


def test_what_can_be_met_only_once_is_refused_the_second_time():
    blocks = Blocks(iter([Batch(INPUTS, None, 23)]))
    list(blocks)
    with pytest.raises(DataError, match="cannot be met twice") as caught:
        list(blocks)
    assert (caught.value.found, caught.value.expected) == ("0 batches", "1, as before")
