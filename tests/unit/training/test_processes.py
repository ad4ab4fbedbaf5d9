"""A process that is alone sends nothing, and is what it was before there were several."""

import pytest
import torch

from dltk.config.errors import DataError
from dltk.training.processes import ALONE, BUCKET_NUMBERS, World, _buckets, together, world
from dltk.training.session import Session


def test_a_process_that_nobody_started_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert world() is ALONE
    assert (ALONE.is_first, World(1, 2).is_first) == (True, False)


def test_alone_everything_is_decided_here():
    loss = {"loss": torch.tensor(2.0)}
    assert ALONE.told(lambda: {"a": 1}) == {"a": 1}
    assert ALONE.agreed(143, is_due=True) == (143, True)
    assert ALONE.agreed(None, is_due=False) == (None, False)
    assert ALONE.means(loss, 3) == (loss, 3)
    ALONE.follow_first([torch.zeros(2)])


def test_alone_errors_are_left_as_they_are():
    with pytest.raises(DataError, match="broken"), together():
        raise DataError("broken")
    with pytest.raises(RuntimeError, match="gloo"), together():
        raise RuntimeError("gloo")


def test_each_process_draws_its_own_noise_and_the_first_that_of_one_alone():
    def noise(world):
        Session(7, torch.device("cpu"), None, world=world).seed_step(3)
        return torch.rand(2).tolist()

    assert noise(ALONE) == noise(World(0, 2)) != noise(World(1, 2)) != noise(World(2, 3))


def test_gradients_are_gathered_in_parts_of_one_type():
    sizes = [3, BUCKET_NUMBERS + 1, 5, 6]
    parameters = [torch.nn.Parameter(torch.empty(size, device="meta")) for size in sizes]
    parameters.append(torch.nn.Parameter(torch.empty(2, dtype=torch.float64, device="meta")))
    assert [[p.numel() for p in bucket] for bucket in _buckets(parameters)] == [[3], [sizes[1]], [5, 6], [2]]
