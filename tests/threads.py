"""The number of threads of the whole process: fixtures for every test of the module or conftest that imports them."""

import pytest
import torch


@pytest.fixture(autouse=True)
def threads_as_they_were():
    """Put the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def one_thread():
    """Train in one thread: bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
