"""Facts of the machine, and the end of its memory."""

import os
import sys

import pytest
import torch

from dltk.config.errors import OutOfResources
from dltk.config.sections import TrainOptions
from dltk.experiment.machine import Machine, differences, environment_of, prepare_machine, within_memory


def test_threads_are_one_per_core_this_process_may_use_unless_written_or_recorded():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert prepare_machine(TrainOptions(), None).threads == cores == torch.get_num_threads()
    assert prepare_machine(TrainOptions(threads=1), None).threads == 1 == torch.get_num_threads()
    assert prepare_machine(TrainOptions(threads=1), 3).threads == 3


def test_only_what_changes_bits_is_a_difference():
    machine = Machine(torch.device("cpu"), 1)
    recorded = environment_of(machine)
    assert differences(recorded, machine) == []
    assert differences({**recorded, "platform": "elsewhere", "python": "4"}, machine) == []
    found = differences({**recorded, "torch": "0.1", "device": "cuda:0"}, machine)
    assert found == ["device was cuda:0, is cpu", f"torch was 0.1, is {torch.__version__}"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_the_end_of_memory_is_one_error_that_says_what_to_do(error):
    with pytest.raises(OutOfResources, match="memory ran out") as caught, within_memory():
        raise error
    assert "batch_size" in caught.value.do


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"), within_memory():
        raise RuntimeError("shapes do not fit")


def test_an_allocation_that_cannot_be_is_recognised():
    with pytest.raises(OutOfResources) as caught, within_memory(64):
        torch.empty(2**50)
    assert caught.value.message == "memory ran out with batches of 64 samples"
    assert caught.value.found == "4,194,304.00 GiB asked for at once"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_run_may_open_as_many_files_as_the_hard_limit_allows():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        prepare_machine(TrainOptions(threads=1), None)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (allowed, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
