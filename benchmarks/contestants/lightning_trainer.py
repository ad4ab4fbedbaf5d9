"""Lightning's Trainer, with what it does by default or with nothing beside the training."""

from __future__ import annotations

import tempfile
from typing import Any

import lightning
import torch

from benchmarks.contestants.hand_loop import network_of
from benchmarks.contestants.torch_loader import loader_of, steps_of
from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.networks import LOSSES
from benchmarks.workloads import Workload


class Module(lightning.LightningModule):
    """A network, its loss and its optimizer."""

    def __init__(self, workload: Workload, material: Material) -> None:
        super().__init__()
        self.model, self.loss_of, self.lr = network_of(workload, material), LOSSES[workload.loss], workload.lr
        self.total, self.count = torch.zeros(()), 0

    def training_step(self, batch: list[torch.Tensor], _index: int) -> torch.Tensor:
        """Return the loss of a batch."""
        loss = self.loss_of(self.model(batch[0]), batch[1])
        self.total += loss.detach() * len(batch[0])
        self.count += len(batch[0])
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return fused Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.lr, fused=True)


class Callback(lightning.Callback):
    """Keeps the pace."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._steps = pace, 0

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Count an epoch."""
        steps, self._steps = trainer.global_step - self._steps, trainer.global_step
        self._pace.epoch(steps, pl_module.total.item() / pl_module.count)
        pl_module.total, pl_module.count = torch.zeros(()), 0


def run(workload: Workload, material: Material, turns: Turns, threads: int, extras: str = "none") -> None:
    """Train turn by turn."""
    torch.set_num_threads(threads)
    loader = loader_of(workload, material)
    bare = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    turns.ready({"lightning": lightning.__version__, "steps": steps_of(workload, len(material.array("inputs")))})
    while True:
        module = Module(workload, material)
        with tempfile.TemporaryDirectory() as folder:
            trainer = lightning.Trainer(
                max_epochs=workload.epochs,
                accelerator="cpu",
                default_root_dir=folder,
                callbacks=[Callback(Pace(turns, workload.epochs, workload.round_epochs))],
                **({} if extras == "default" else bare),
            )
            turns.begin()
            trainer.fit(module, loader)
