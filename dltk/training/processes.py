"""Many processes that train one model: each learns from its share of every batch, and all of them stay equal.

Gradients are summed by hand, not by DistributedDataParallel: any number of optimizations, accumulation, penalties,
clipping and averaged weights then need nothing of their own, and shares of unequal size count as much as they hold.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from dltk.config.errors import DltkError, OutOfResources
from dltk.config.processes import are_several, processes_here
from dltk.training.signals import Stopped

BUCKET_NUMBERS = 1 << 25
"""So many gradients are summed at once; they are copied for it."""
PATIENCE = timedelta(hours=6)
"""How long a process waits for another, say while the first one scores a split."""
_LAST_WORDS_SECONDS = 5.0
_FAILURE = "dltk/failure"


@dataclass(frozen=True)
class World:
    """The processes that train one model together, as torchrun started them; alone, nothing is ever sent.

    Attributes:
        rank: Of this process, from 0; the first one alone writes and speaks.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def told(self, make: Callable[[], Any]) -> Any:
        """Let the first process make plain values, and return them in every process."""
        if self.size == 1:
            return make()
        content = json.dumps(make()).encode() if self.is_first else b""
        length = torch.tensor([len(content)])
        dist.broadcast(length, 0)
        text = torch.zeros(int(length), dtype=torch.uint8)
        if self.is_first:
            text.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        dist.broadcast(text, 0)
        return json.loads(text.numpy().tobytes())

    def agreed(self, code: int | None, *, is_due: bool) -> tuple[int | None, bool]:
        """Return whether any process is to stop, with which exit code, and whether the first one is to save."""
        if self.size == 1:
            return code, is_due
        wishes = torch.tensor([-1 if code is None else code, int(is_due and self.is_first)])
        dist.all_reduce(wishes, dist.ReduceOp.MAX)
        wanted, due = wishes.tolist()
        return (None if wanted < 0 else wanted), bool(due)

    def means(self, values: Mapping[str, Tensor], num_samples: int) -> tuple[Mapping[str, Tensor], int | Tensor]:
        """Return means over the samples of all processes, and how many these are; no device synchronisation."""
        if self.size == 1:
            return values, num_samples
        sums = torch.stack([value.detach().double() * num_samples for value in values.values()])
        sums = torch.cat([sums, sums.new_full((1,), num_samples)])
        dist.all_reduce(sums)
        return dict(zip(values, sums[:-1] / sums[-1], strict=True)), sums[-1]

    def average_gradients(self, parameters: Iterable[nn.Parameter], num_samples: int, unit: int) -> None:
        """Replace gradients by the mean gradient over the samples of all processes; no device synchronisation.

        Args:
            parameters: The same in every process. Where one has no gradient, it has none in any process.
            num_samples: Of this process.
            unit: The gradients here are sums over samples, divided by this.
        """
        for bucket in _buckets(parameters):
            numbers = [_numbers(parameter) for parameter in bucket]
            flat = torch.cat([*numbers, numbers[0].new_full((1,), num_samples / unit)]).mul_(unit)
            dist.all_reduce(flat)
            flat[:-1] /= flat[-1]
            means = torch.split(flat[:-1], [len(part) for part in numbers])
            for parameter, mean in zip(bucket, means, strict=True):
                if parameter.grad is not None:
                    parameter.grad.copy_(mean.view_as(parameter.grad))

    def follow_first(self, tensors: Iterable[Tensor]) -> None:
        """Give tensors the values they have in the first process."""
        for tensor in tensors if self.size > 1 else ():
            values = tensor.detach().contiguous()
            dist.broadcast(values, 0)
            tensor.detach().copy_(values)


ALONE = World()


@cache
def world() -> World:
    """Join the processes that torchrun started with this one, once; alone where it started none.

    They meet where torchrun says, and listen on this machine only where that is this machine.
    """
    if not are_several():
        return ALONE
    if os.environ["MASTER_ADDR"] in {"localhost", "127.0.0.1", "::1"}:
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        for library in ("GLOO", "NCCL"):
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", loopback)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    has_gpu_each = torch.cuda.device_count() >= processes_here()  # NCCL wants one for every process
    backend = "cpu:gloo,cuda:nccl" if has_gpu_each else "gloo"
    store, rank, size = next(rendezvous("env://"))
    dist.init_process_group(backend, store=PrefixStore("dltk", store), rank=rank, world_size=size, timeout=PATIENCE)
    atexit.register(_leave)
    _stores.append(store)
    return World(rank, size)


def _leave() -> None:
    """End gloo's threads: they put tensors down a moment after they sent them, too late for an ending interpreter."""
    dist.destroy_process_group()
    gc.collect()  # an error that came while tensors were sent holds on to the group


_stores: list[Store] = []


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Let every process end with the error of the first one that fails, instead of waiting for it.

    Raises:
        DltkError: What another process failed with; or one has died.
    """
    if world().size == 1:
        yield
        return
    failure: dict[str, Any] | None = {"id": "DLTK-BUG", "code": 70, "message": "this is a bug in dltk, or in a plug-in"}
    try:
        yield
        failure = None
    except Stopped as stopped:  # all have agreed on it, unless there was no time
        failure = None if stopped.is_saved else {"id": "DLTK-RESOURCES", "code": stopped.code, "message": str(stopped)}
        raise
    except KeyboardInterrupt:
        failure = {"id": "DLTK-RESOURCES", "code": 130, "message": "it was interrupted"}
        raise
    except DltkError as error:
        failure = {"id": error.id, "code": error.code, "message": error.message}
        failure |= {"where": error.where, "found": error.found, "expected": error.expected, "do": error.do}
        raise
    except RuntimeError as error:  # what torch raises where another process is gone
        elsewhere = _last_words()
        if elsewhere is None and "gloo" not in str(error) and not isinstance(error, dist.DistError):
            raise
        failure = None
        raise elsewhere or OutOfResources(
            "another process of this training has died", do="look for what ended it; then resume the run"
        ) from None
    finally:
        if failure is not None:
            with contextlib.suppress(RuntimeError):  # the store may be gone, too
                _stores[0].compare_set(_FAILURE, "", json.dumps({**failure, "rank": world().rank}))


def _last_words() -> DltkError | None:
    """Return what another process failed with, which it says before it ends; None where it could not."""
    until = time.monotonic() + _LAST_WORDS_SECONDS
    with contextlib.suppress(RuntimeError):
        while time.monotonic() < until:
            if _stores[0].check([_FAILURE]):
                facts = json.loads(_stores[0].get(_FAILURE))
                facts["message"] = f"process {facts.pop('rank')} failed: {facts['message']}"
                return DltkError(**facts)
            time.sleep(0.05)
    return None


def _buckets(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Yield parameters of one type and device, at most so many numbers at a time, unless one alone has more."""
    bucket: list[nn.Parameter] = []
    count = 0
    for parameter in parameters:
        is_alike = not bucket or (parameter.dtype, parameter.device) == (bucket[0].dtype, bucket[0].device)
        if bucket and not (is_alike and count + parameter.numel() <= BUCKET_NUMBERS):
            yield bucket
            bucket, count = [], 0
        bucket.append(parameter)
        count += parameter.numel()
    if bucket:
        yield bucket


def _numbers(parameter: nn.Parameter) -> Tensor:
    return (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).detach().flatten()
