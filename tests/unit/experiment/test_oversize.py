"""Models that no machine, or not this one, can hold are refused; others pass untouched."""

import pytest
import torch
from torch import nn

from dltk.config.errors import OptionError
from dltk.experiment import oversize
from dltk.experiment.oversize import refuse_oversized


def test_weights_and_gradients_must_fit(monkeypatch):
    monkeypatch.setattr(oversize, "memory_bytes", lambda: 8 * 101 - 1)
    with pytest.raises(OptionError, match="has 101 parameters, which need 0 GiB with their gradients"):
        refuse_oversized(lambda: nn.Linear(100, 1))
    refuse_oversized(lambda: nn.Linear(99, 1))
    refuse_oversized(lambda: nn.Linear(100, 1).requires_grad_(False))


@pytest.mark.parametrize(
    "build",
    [lambda: nn.Linear(10**9, 10**10), lambda: nn.Conv2d(10**9, 10**9, 3), lambda: nn.LSTM(10**9, 10**9)],
    ids=["linear", "conv", "lstm"],
)
def test_sizes_that_overflow_are_refused(build):
    with pytest.raises(OptionError, match="more parameters than any machine can hold"):
        refuse_oversized(build)


def test_what_a_model_says_of_its_options_passes():
    def build():
        raise OptionError("hidden", "must be odd")

    with pytest.raises(OptionError, match="hidden: must be odd"):
        refuse_oversized(build)


class Looking(nn.Module):
    """Looks at its numbers while it is built."""

    def __init__(self):
        super().__init__()
        self.scale = float(torch.ones(3).sum())


def test_a_model_that_looks_at_its_numbers_passes():
    refuse_oversized(Looking)
    refuse_oversized(lambda: nn.Linear(int(torch.tensor(3)), 1))


def test_nothing_of_the_measuring_stays():
    torch.manual_seed(0)
    first = nn.Linear(3, 3)
    torch.manual_seed(0)
    refuse_oversized(lambda: nn.Linear(3, 3))
    torch.manual_seed(0)
    assert nn.Linear(3, 3).weight.equal(first.weight)
    assert torch.zeros(1).device.type == "cpu"
