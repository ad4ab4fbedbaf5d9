"""The best eager loop one writes by hand in torch.

The whole data as tensors, one permutation per epoch, batches by index_select, a fused optimizer, gradients set to None.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.contestants.order import order
from benchmarks.contestants.turns import Turns
from benchmarks.judging import judged
from benchmarks.material import Material, learned
from benchmarks.networks import LOSSES, NETWORKS
from benchmarks.workloads import Workload


def network_of(workload: Workload, material: Material) -> nn.Module:
    """Return the network with the weights that all contestants start from.

    Raises:
        ValueError: It is not the same network.
    """
    model = NETWORKS[workload.network]()
    own, given = list(model.state_dict().values()), material.weights()
    if [tuple(value.shape) for value in own] != [value.shape for value in given]:
        raise ValueError(f"the hand-written {workload.network} is not dltk's: its weights have other shapes")
    with torch.no_grad():
        for value, array in zip(own, given, strict=True):
            value.copy_(torch.from_numpy(array))
    return model.train()


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn, with what torch does when nothing is asked of it."""
    torch.set_num_threads(threads)
    train(workload, material, turns, lambda: network_of(workload, material))


def train(workload: Workload, material: Material, turns: Turns, network: Callable[[], nn.Module]) -> None:
    """Train what `network` returns turn by turn; after the last epoch of a run, begin with another one."""
    inputs, targets = (torch.from_numpy(material.array(name)) for name in ("inputs", "targets"))
    turns.ready({})
    total = workload.epochs * math.ceil(len(inputs) / workload.batch_size)
    while True:
        model = network()
        optimizer = _optimizer(workload, model)
        judge = partial(judged_model, workload, material, model)
        for first in range(0, workload.epochs, workload.round_epochs):
            turns.begin()
            steps, loss = 0, 0.0
            for epoch in range(first, first + workload.round_epochs):
                batches = torch.split(order(epoch, len(inputs)), workload.batch_size)
                slowed = _slowed(batches, optimizer, epoch * len(batches), total) if workload.falls else batches
                loss = _epoch(model, optimizer, LOSSES[workload.loss], inputs, targets, slowed)
                steps += len(batches)
            turns.end(steps, loss, judge)


def stepper(workload: Workload, material: Material) -> Callable[[], object]:
    """Return what makes one step after the other, on the batches of an epoch again and again."""
    inputs, targets = (torch.from_numpy(material.array(name)) for name in ("inputs", "targets"))
    model = network_of(workload, material)
    optimizer = _optimizer(workload, model)
    full = [
        part for part in torch.split(order(0, len(inputs)), workload.batch_size) if len(part) == workload.batch_size
    ]
    batches = itertools.cycle(full)
    return lambda: _step(model, optimizer, LOSSES[workload.loss], inputs, targets, next(batches))


def _optimizer(workload: Workload, model: nn.Module) -> torch.optim.Optimizer:
    options = {name: value for name, value in workload.optimizer.items() if name != "name"}
    kind = torch.optim.SGD if workload.optimizer["name"] == "sgd" else torch.optim.Adam
    return kind(model.parameters(), lr=workload.lr, fused=True, **options)


def _slowed(batches: Sequence[Tensor], optimizer: torch.optim.Optimizer, begun: int, total: int) -> Iterator[Tensor]:
    """Yield batches; let the learning rate fall in a straight line to zero at the end of the run."""
    base = optimizer.defaults["lr"]
    for step, batch in enumerate(batches, begun):
        for group in optimizer.param_groups:
            group["lr"] = base * (1 - step / total)
        yield batch


def judged_model(workload: Workload, material: Material, model: nn.Module) -> dict[str, float]:
    """Return what a model is worth on what was held out, where anything was."""
    return judged(workload, material, [value.numpy() for value in learned(model)])


def _epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    batches: Iterable[Tensor],
) -> float:
    """Train on batches of indices; return the mean loss."""
    total = torch.zeros(())
    for indices in batches:
        total += _step(model, optimizer, loss_of, inputs, targets, indices) * len(indices)
    return total.item() / len(inputs)


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    indices: Tensor,
) -> Tensor:
    """Move the parameters once; return the loss before."""
    x, y = inputs.index_select(0, indices), targets.index_select(0, indices)
    loss = loss_of(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()
