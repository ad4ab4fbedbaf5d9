"""What two processes send each other: the mean over all samples, one decision, and the words of the first."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

PROGRAM = """
import atexit, json, os, sys
from pathlib import Path
import torch
from dltk.config.errors import DataError
from dltk.training.processes import together, world

def threads():
    return sorted({file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")})

atexit.register(lambda: print(json.dumps(threads()), flush=True))
here = world()
torch.manual_seed(0)
x, y = torch.randn(7, 3), torch.randn(7)
model = torch.nn.Linear(3, 1)
unused = torch.nn.Parameter(torch.zeros(2))
mine = slice(here.rank, None, here.size)
loss = (model(x[mine]).flatten() - y[mine]).square().mean()
(loss * 2).backward()
count = len(x[mine])
here.average_gradients([*model.parameters(), unused], 2 * count, count)
means, total = here.means({"loss": loss}, count)
moved = torch.full((2, 2), float(here.rank)).t()
here.follow_first([moved])
found = {
    "gradient": [p.grad.tolist() for p in model.parameters()],
    "unused": unused.grad is None,
    "loss": float(means["loss"]),
    "total": float(total),
    "told": here.told(lambda: {"rank": here.rank, "nothing": float("nan"), "text": "ä"})["rank"],
    "agreed": [
        here.agreed(None, is_due=False),
        here.agreed(130 if here.rank else None, is_due=True),
        here.agreed(0 if here.rank else None, is_due=not here.is_first),
    ],
    "moved": moved.tolist(),
    "threads": threads(),
}
print(json.dumps(found), flush=True)
try:
    with together():
        if here.rank:
            raise DataError("it is broken here", found="this")
        here.told(lambda: None)
        here.agreed(None, is_due=False)
except Exception as error:
    print(type(error).__name__, error.code, error.message, flush=True)
"""


@pytest.fixture(scope="module")
def answers() -> list[list[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, **variables, "RANK": str(rank)},
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        return [process.communicate(timeout=120)[0].splitlines() for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def found(answers):
    return [json.loads(lines[0]) for lines in answers]


def test_gradients_and_losses_are_means_over_all_samples_whatever_the_shares(found):
    torch.manual_seed(0)
    x, y = torch.randn(7, 3), torch.randn(7)
    model = torch.nn.Linear(3, 1)
    loss = (model(x).flatten() - y).square().mean()
    loss.backward()
    for one in found:
        for mine, parameter in zip(one["gradient"], model.parameters(), strict=True):
            assert parameter.grad is not None
            # Each share's loss was added twice, over half as many samples as it was said to hold.
            assert torch.allclose(torch.tensor(mine), parameter.grad, atol=1e-6)
        assert one["loss"] == pytest.approx(float(loss.detach()))
        assert (one["total"], one["unused"]) == (7, True)
    assert found[0]["gradient"] == found[1]["gradient"]


def test_all_go_by_what_the_first_one_says(found):
    assert [one["told"] for one in found] == [0, 0]
    assert [one["moved"] for one in found] == [[[0.0, 0.0], [0.0, 0.0]]] * 2


def test_one_process_is_enough_to_stop_all_and_only_the_first_asks_to_save(found):
    for one in found:
        assert one["agreed"] == [[None, False], [130, True], [0, False]]


def test_an_error_of_one_is_that_of_all(answers):
    assert answers[1][1] == "DataError 65 it is broken here"
    assert answers[0][1] == "DltkError 65 process 1 failed: it is broken here"


@pytest.mark.skipif(sys.platform != "linux", reason="threads have names in /proc")
def test_the_threads_that_send_end_before_the_interpreter_does(found, answers):
    """One that still held a tensor would end its process with SIGABRT."""
    for one, lines in zip(found, answers, strict=True):
        assert [name for name in one["threads"] if "gloo" in name]
        assert [name for name in json.loads(lines[-1]) if "gloo" in name] == []
