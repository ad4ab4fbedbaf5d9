"""Style transfer: features like those of one picture, correlated like those of another (Gatys et al. 2016)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import conv2d, mse_loss

from dltk import pictures
from dltk.config.seeds import derive
from dltk.config.settings import PositiveFloat
from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Spec
from dltk.data.splits import Splits
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Config(TaskConfig):
    needs: ClassVar[Needs] = Needs(targets=(), roles=("canvas",))
    weight: PositiveFloat = 100.0
    """What style counts beside content."""


@dataclass(frozen=True)
class StyleTransfer:
    weight: float
    filters: Tensor
    scores: ClassVar[Mapping[str, Direction]] = {"loss": "min", "content": "min", "style": "min"}

    def learner(self, model: Any, settings: OptimizationSettings, session: Session) -> Learner:
        return learner_for(model, lambda model, batch: self.parts(model(**inputs(batch)), batch), settings, session)

    def parts(self, image: Tensor, batch: Batch) -> Mapping[str, Tensor]:
        image, content, style = (self.features(one) for one in (image, *inputs(batch).values()))
        parts = {"content": mse_loss(image, content), "style": mse_loss(gram(image), gram(style))}
        return {"loss": parts["content"] + self.weight * parts["style"], **parts}

    def features(self, image: Tensor) -> Tensor:
        return conv2d(image, self.filters).relu()

    def evaluate(self, model: Any, batches: Batches) -> Evaluation:
        return self.evaluation(model(**inputs(batches.whole())), batches.whole())

    def evaluation(self, image: Tensor, batch: Batch) -> Evaluation:
        scores = {name: value.item() for name, value in self.parts(image, batch).items()}
        return Evaluation(scores, 1, "squared differences of features", {**inputs(batch), "image": image.clone()})

    def answer(self, model: Any, batches: Batches | None, request: Request) -> Iterable[Answer]:
        if batches is not None or request.count != 1:
            raise CannotAnswer("there is one image: give --count 1")
        return [[{"image": model.image[0].clamp(0, 1)}]]

    def pictures(self, evaluation: Evaluation) -> Mapping[str, "Figure"]:
        return {"image": pictures.image_grids(evaluation.columns, f"loss {evaluation.scores['loss']:.4f}")}

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        batch = splits.train.whole()
        return {"content": self.evaluation(inputs(batch)["content"], batch)}


def inputs(batch: Batch) -> Any:
    return batch.inputs


def gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.mT / flat.shape[2]


def build(config: Config, spec: Spec, preparation: Preparation) -> StyleTransfer:
    generator = torch.Generator().manual_seed(derive(0, "style"))
    return StyleTransfer(config.weight, torch.randn(8, 1, 3, 3, generator=generator) / 3)
