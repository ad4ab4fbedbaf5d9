"""Word vectors by telling true neighbours from drawn ones; there is no score to choose weights by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, logsigmoid

from dltk.data.batches import Batch, Batches
from dltk.data.specs import Spec
from dltk.data.splits import Splits
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig


class Config(TaskConfig):
    needs: ClassVar[Needs] = Needs(targets=(), roles=("embedding",))


@dataclass(frozen=True)
class Neighbours:
    words: Sequence[str]
    scores: ClassVar[Mapping[str, Direction]] = {}

    def learner(self, model: Any, settings: OptimizationSettings, session: Session) -> Learner:
        return learner_for(model, self.loss, settings, session)

    def loss(self, model: Any, batch: Batch) -> Tensor:
        inputs: Any = batch.inputs
        drawn = torch.randint(len(self.words), (3, batch.num_samples))
        return -logsigmoid(model(**inputs)).mean() - logsigmoid(-model(inputs["word"], drawn)).mean()

    def evaluate(self, model: Any, batches: Batches) -> Evaluation:
        everyone, ranks = torch.arange(len(self.words)), list[Tensor]()
        for batch in batches.epoch(0):
            inputs: Any = batch.inputs
            fits = model(inputs["word"][:, None], everyone)
            ranks.append((fits > model(**inputs)[:, None]).sum(1).float())
        return Evaluation({"rank": torch.cat(ranks).mean().item()}, sum(map(len, ranks)), "words that fit better")

    def answer(self, model: Any, batches: Batches | None, request: Request) -> Iterable[Answer]:
        if batches is None:
            raise CannotAnswer("the nearest words are those of a word: name some")
        for vector in model.words(batches.whole().inputs):
            nearness = cosine_similarity(vector, model.words.weight)
            best = nearness.topk((request.top or 1) + 1).indices[1:].tolist()  # the first is the word itself
            yield [{"word": self.words[i], "nearness": nearness[i].item()} for i in best]

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Any]:
        return {}

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        return {"chance": Evaluation({"rank": (len(self.words) - 1) / 2}, 0)}


def build(config: Config, spec: Spec, preparation: Any) -> Neighbours:
    return Neighbours(preparation.words)
