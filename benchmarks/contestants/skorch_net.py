"""skorch's NeuralNet."""

from __future__ import annotations

from typing import Any

import skorch
import torch
from torch import Tensor, nn

from benchmarks.contestants.hand_loop import network_of
from benchmarks.contestants.torch_loader import steps_of
from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.networks import LOSSES
from benchmarks.workloads import Workload


class Loss(nn.Module):
    """A loss as a module."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean over a batch."""
        return LOSSES[self.name](outputs, wanted)


class Callback(skorch.callbacks.Callback):
    """Keeps the pace."""

    def __init__(self, pace: Pace, steps: int) -> None:
        self._pace, self._steps = pace, steps

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Count an epoch."""
        self._pace.epoch(self._steps, float(net.history[-1, "train_loss"]))


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn."""
    torch.set_num_threads(threads)
    inputs, targets = (material.array(name) for name in ("inputs", "targets"))
    turns.ready({"skorch": skorch.__version__})
    while True:
        net = skorch.NeuralNet(
            network_of(workload, material),
            criterion=Loss,
            criterion__name=workload.loss,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=workload.lr,
            batch_size=workload.batch_size,
            max_epochs=workload.epochs,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
            callbacks=[Callback(Pace(turns, workload.epochs, workload.round_epochs), steps_of(workload, len(inputs)))],
        )
        turns.begin()
        net.fit(inputs, targets)
