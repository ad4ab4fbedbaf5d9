"""Condensed nearest neighbours: keeps only the samples that those it kept would get wrong (Hart 1968)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dltk.config.settings import Settings
from dltk.data.batches import Batch
from dltk.data.samples import Preparation
from dltk.data.specs import Classes, Modality, Spec, Vector


class Config(Settings):
    accepts: ClassVar[tuple[type[Modality], ...]] = (Vector,)
    role: ClassVar[str] = "estimator"
    holds_samples: ClassVar[bool] = True


class Condensed(nn.Module):
    kept: Tensor
    labels: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.restore({"kept": torch.empty(0, 0), "labels": torch.empty(0, dtype=torch.int64)})

    def fit(self, samples: Iterable[Batch]) -> None:
        whole: Any = Batch.joined(list(samples))
        chosen = [0]
        while len(wrong := self.wrong(whole.inputs, whole.targets, chosen)):
            chosen.append(int(wrong[0]))

    def wrong(self, inputs: Tensor, targets: Tensor, chosen: list[int]) -> Tensor:
        self.restore({"kept": inputs[chosen], "labels": targets[chosen]})
        guesses: Tensor = self(inputs).argmax(1)
        return (guesses != targets).nonzero().flatten()

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, classes): how near the nearest kept sample of each class is."""
        distances = torch.cdist(x, self.kept)
        far = distances.new_full((len(x), self.num_classes), 1e6)
        return -far.scatter_reduce(1, self.labels.expand(len(x), -1), distances, "amin")

    def state(self) -> Mapping[str, Any]:
        return {"kept": self.kept, "labels": self.labels}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.kept, self.labels = state["kept"], state["labels"]


def build(config: Config, spec: Spec, preparation: Preparation) -> nn.Module:
    assert isinstance(spec.target, Classes)
    return Condensed(len(spec.target.names))
