"""A session seeds every step by itself, and finds the device that was asked for."""

import pytest
import torch

from dltk.config.errors import Unavailable
from dltk.training.schedules import Length
from dltk.training.session import Session, choose_device
from tests.unit.training.tiny import CPU


def drawn(session, step):
    session.seed_step(step)
    return torch.rand(4)


def test_noise_depends_on_seed_and_step_and_on_nothing_before():
    session = Session(3, CPU, None)
    first = drawn(session, 5)
    torch.rand(100)
    drawn(session, 6)
    assert drawn(session, 5).equal(first)
    assert not drawn(session, 6).equal(first)
    assert not drawn(Session(4, CPU, None), 5).equal(first)


@pytest.mark.parametrize(
    ("total", "epoch", "each", "updates", "in_epoch"),
    [
        (None, 5, 2, None, 3),
        (30, 6, 1, 30, 6),
        (30, 6, 4, 10, 2),
        (50, 5, 4, 20, 2),
        (14, 6, 4, 5, 2),
        (7, None, 2, 4, None),
        (0, 5, 2, 0, 3),
        (30, 6, None, 5, 1),
        (14, 6, None, 3, 1),
        (None, None, None, None, 1),
        (9, None, None, None, 1),
    ],
)
def test_an_update_takes_so_many_batches_or_what_the_epoch_has_left(total, epoch, each, updates, in_epoch):
    assert Session(0, CPU, total, epoch).length(each) == Length(updates, in_epoch)


def test_the_cpu_is_there():
    assert choose_device("cpu") == CPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_is_refused_where_there_is_none():
    assert choose_device("auto") == CPU
    with pytest.raises(Unavailable, match="there is no CUDA device here") as caught:
        choose_device("cuda")
    assert caught.value.code == 69


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_is_taken_where_there_is_one():
    assert choose_device("auto").type == choose_device("cuda").type == "cuda"
    session = Session(0, torch.device("cuda"), None)
    session.seed_step(1)
    first = torch.rand(4, device="cuda")
    session.seed_step(1)
    assert torch.rand(4, device="cuda").equal(first)
