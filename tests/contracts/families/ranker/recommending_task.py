"""Recommending: what a user likes should come before what is not known to be liked (Rendle et al. 2009)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from dltk.data.batches import Batch, Batches
from dltk.data.specs import Spec
from dltk.data.splits import Splits
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

K = 5


class Config(TaskConfig):
    needs: ClassVar[Needs] = Needs(targets=(), roles=("ranker",))


@dataclass(frozen=True)
class Recommending:
    known: Tensor
    scores: ClassVar[Mapping[str, Direction]] = {"recall@5": "max"}

    def learner(self, model: Any, settings: OptimizationSettings, session: Session) -> Learner:
        return learner_for(model, self.loss, settings, session)

    def loss(self, model: Any, batch: Batch) -> Tensor:
        inputs: Any = batch.inputs
        other = torch.randint(self.known.shape[1], inputs["item"].shape)
        return -logsigmoid(model(**inputs) - model(inputs["user"], other)).mean()

    def evaluate(self, model: Any, batches: Batches) -> Evaluation:
        return self.recall(lambda user: model(user[:, None], torch.arange(self.known.shape[1])), batches)

    def recall(self, scored: Callable[[Tensor], Tensor], batches: Batches) -> Evaluation:
        inputs: Any = batches.whole().inputs
        best = self.unseen(scored(inputs["user"]), inputs["user"]).topk(K).indices
        found = (best == inputs["item"][:, None]).any(1).float()
        return Evaluation({"recall@5": found.mean().item()}, len(found), "liked item among the first 5 unseen ones")

    def unseen(self, scores: Tensor, user: Tensor) -> Tensor:
        return scores.masked_fill(self.known[user], -torch.inf)

    def answer(self, model: Any, batches: Batches | None, request: Request) -> Iterable[Answer]:
        if batches is None or request.steps is not None:
            raise CannotAnswer("recommending answers users: name some, and --top N")
        user: Any = batches.whole().inputs
        scores = self.unseen(model(user[:, None], torch.arange(self.known.shape[1])), user)
        return [[{"item": item} for item in row] for row in scores.topk(request.top or 1).indices.tolist()]

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Any]:
        return {}

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        popularity = self.known.sum(0).float()
        reported = splits.test or splits.val or splits.train
        return {"popularity": self.recall(lambda user: popularity.expand(len(user), -1), reported)}


def build(config: Config, spec: Spec, preparation: Any) -> Recommending:
    return Recommending(preparation.known)
