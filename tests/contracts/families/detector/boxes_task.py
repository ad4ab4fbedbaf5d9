"""Detection: where objects are and what they are, scored by how many of the true boxes are found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Boxes, Spec
from dltk.data.splits import Splits
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig


class Config(TaskConfig):
    needs: ClassVar[Needs] = Needs(targets=(Boxes,), roles=("detector",))


@dataclass(frozen=True)
class Detection:
    names: tuple[str, ...]
    scores: ClassVar[Mapping[str, Direction]] = {"recall": "max", "precision": "max"}

    def learner(self, model: Any, settings: OptimizationSettings, session: Session) -> Learner:
        def loss(model: Any, batch: Batch) -> Mapping[str, Tensor]:
            parts = model.losses(batch.inputs, batch.targets)
            return {"loss": sum(parts.values()), **parts}

        return learner_for(model, loss, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        answers, truths = list[Tensor](), list[Tensor]()
        for batch in batches.epoch(0):
            truth: Any = batch.targets
            answers, truths = answers + model(batch.inputs), truths + truth
        found = sum(int(agree(truth, answer).any(1).sum()) for truth, answer in zip(truths, answers, strict=True))
        scores = {"recall": found / sum(map(len, truths)), "precision": found / max(sum(map(len, answers)), 1)}
        return Evaluation(scores, len(truths), "found: a box of the same class, intersection over union at least 0.5")

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        if batches is None:
            raise CannotAnswer("detection answers images: name some")
        for batch in batches.epoch(0):
            for boxes in model(batch.inputs):
                yield [{"label": self.names[int(box[4])], "box": box[:4]} for box in boxes.tolist()]

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Any]:
        return {}

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        return {}


def agree(first: Tensor, second: Tensor) -> Tensor:
    a, b = first[:, None], second[None]
    sides = (torch.minimum(a[..., 2:4], b[..., 2:4]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    area_a, area_b = ((box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b))
    shared = sides.prod(-1)
    return (shared / (area_a + area_b - shared) >= 0.5) & (a[..., 4] == b[..., 4])


def build(config: Config, spec: Spec, preparation: Preparation) -> Detection:
    assert isinstance(spec.target, Boxes)
    return Detection(spec.target.names)
