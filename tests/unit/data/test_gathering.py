"""Batches of an epoch are the same one by one, and several at once."""

import pytest
import torch

from dltk.data.batches import InMemory, Loading
from dltk.data.gathering import Gathering
from dltk.data.plans import shuffled


def data(finish=None):
    x = torch.randn(22, 3, generator=torch.Generator().manual_seed(0))
    more = {} if finish is None else {"finish": finish}
    return InMemory({"x": x}, {"y": torch.arange(22)}, Loading(4, shuffled(3)), **more)


def test_an_epoch_is_met_one_by_one():
    epoch = data().epoch(1, start=2)
    assert isinstance(epoch, Gathering)
    assert [batch.num_samples for batch in epoch] == [4, 4, 4, 2]
    assert list(epoch) == []


@pytest.mark.parametrize("finish", [None, lambda fields: {"x": fields["x"] - fields["x"].amax()}])
@pytest.mark.parametrize("start", [0, 2])
def test_several_at_once_are_those_of_one_by_one(finish, start):
    single = list(data(finish).epoch(1, start=start))
    epoch = data(finish).epoch(1, start=start)
    assert isinstance(epoch, Gathering)
    first, second = epoch.together(4, 2), epoch.together(4, 100)
    assert first is not None
    assert second is not None
    assert (first.num_samples, second.num_samples) == (8, 12 - 4 * start)
    assert epoch.together(4, 100) is None
    last = next(epoch)
    for name in ("inputs", "targets"):
        joined = torch.cat([getattr(batch, name) for batch in (first, second, last)])
        assert joined.equal(torch.cat([getattr(batch, name) for batch in single]))
    assert epoch.together(2, 1) is None
