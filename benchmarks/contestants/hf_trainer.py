"""The Trainer of Hugging Face's transformers."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from benchmarks.contestants.hand_loop import network_of
from benchmarks.contestants.torch_loader import dataset_of
from benchmarks.contestants.turns import Pace, Turns
from benchmarks.material import Material
from benchmarks.networks import LOSSES
from benchmarks.workloads import Workload


class Model(nn.Module):
    """A network that returns its loss, which is what the Trainer asks of one."""

    def __init__(self, workload: Workload, material: Material) -> None:
        super().__init__()
        self.network, self.loss_of = network_of(workload, material), LOSSES[workload.loss]
        self.total, self.count = torch.zeros(()), 0

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch."""
        loss = self.loss_of(self.network(inputs), labels)
        self.total += loss.detach() * len(inputs)
        self.count += len(inputs)
        return {"loss": loss}


class Callback(transformers.TrainerCallback):
    """Keeps the pace."""

    def __init__(self, pace: Pace, model: Model) -> None:
        self._pace, self._model, self._steps = pace, model, 0

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Count an epoch."""
        steps, self._steps = state.global_step - self._steps, state.global_step
        self._pace.epoch(steps, self._model.total.item() / self._model.count)
        self._model.total, self._model.count = torch.zeros(()), 0


def run(workload: Workload, material: Material, turns: Turns, threads: int) -> None:
    """Train turn by turn."""
    torch.set_num_threads(threads)
    dataset = dataset_of(material)
    turns.ready({"transformers": transformers.__version__})
    while True:
        model = Model(workload, material)
        with tempfile.TemporaryDirectory() as folder:
            trainer = transformers.Trainer(
                model,
                transformers.TrainingArguments(
                    output_dir=folder,
                    num_train_epochs=workload.epochs,
                    per_device_train_batch_size=workload.batch_size,
                    learning_rate=workload.lr,
                    lr_scheduler_type="constant",
                    optim="adamw_torch_fused",
                    weight_decay=0.0,
                    max_grad_norm=0.0,
                    save_strategy="no",
                    logging_strategy="no",
                    report_to="none",
                    disable_tqdm=True,
                    use_cpu=True,
                    remove_unused_columns=False,
                ),
                data_collator=_collated,
                train_dataset=dataset,
                callbacks=[Callback(Pace(turns, workload.epochs, workload.round_epochs), model)],
            )
            turns.begin()
            trainer.train()


def _collated(samples: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    inputs, targets = zip(*samples, strict=True)
    return {"inputs": torch.stack(inputs), "labels": torch.stack(targets)}
