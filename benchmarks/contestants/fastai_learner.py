"""fastai's Learner with torch's fused Adam."""

from __future__ import annotations

from functools import partial

import fastai
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from torch.utils.data import Subset

from benchmarks.contestants.hand_loop import network_of
from benchmarks.contestants.torch_loader import dataset_of, steps_of
from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.networks import LOSSES
from benchmarks.workloads import Workload


class Counting(Callback):  # type: ignore[misc, unused-ignore]
    """Keeps the pace; fastai finds what it knows, such as `loss`, among its attributes."""

    def __init__(self, pace: Pace, steps: int) -> None:
        self.pace_, self.steps_, self.total_, self.count_ = pace, steps, torch.zeros(()), 0

    def after_batch(self) -> None:
        """Add a batch to the mean."""
        if self.training:
            self.total_ += self.loss.detach() * len(self.x)
            self.count_ += len(self.x)

    def after_epoch(self) -> None:
        """Count an epoch."""
        self.pace_.epoch(self.steps_, self.total_.item() / self.count_)
        self.total_, self.count_ = torch.zeros(()), 0


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn; one sample stands for the val split that fastai asks for."""
    torch.set_num_threads(threads)
    dataset = dataset_of(material)
    batches = DataLoader(dataset, bs=workload.batch_size, shuffle=True, num_workers=0)
    one = DataLoader(Subset(dataset, [0]), bs=1, num_workers=0)
    adam = partial(OptimWrapper, opt=partial(torch.optim.Adam, fused=True))
    turns.ready({"fastai": fastai.__version__})
    while True:
        counting = Counting(Pace(turns, workload.epochs, workload.round_epochs), steps_of(workload, len(dataset)))
        learner = Learner(
            DataLoaders(batches, one, device=torch.device("cpu")),
            network_of(workload, material),
            loss_func=LOSSES[workload.loss],
            opt_func=adam,
            lr=workload.lr,
            cbs=[counting],
        )
        learner.logger = _say_nothing
        turns.begin()
        learner.fit(workload.epochs, wd=0.0)


def _say_nothing(_values: object) -> None:
    pass
