"""Two questions about one sample, a class and a number, learned together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Classes, Numbers, Spec
from dltk.data.splits import Splits
from dltk.nn.feeding import feed
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig


class Config(TaskConfig):
    needs: ClassVar[Needs] = Needs(targets=(Classes, Numbers), roles=("predictor",))


@dataclass(frozen=True)
class SenderAndCost:
    senders: Classes
    cost: Numbers
    scores: ClassVar[Mapping[str, Direction]] = {"mae": "min", "accuracy": "max"}

    def learner(self, model: Any, settings: OptimizationSettings, session: Session) -> Learner:
        return learner_for(model, self.loss, settings, session)

    def loss(self, model: Any, batch: Batch) -> Mapping[str, Tensor]:
        truth: Any = batch.targets
        outputs = feed(model, batch.inputs)
        cost = (truth["cost"] - self.cost.means[0]) / self.cost.scales[0]
        parts = {"sender": cross_entropy(outputs["sender"], truth["sender"]), "cost": mse_loss(outputs["cost"], cost)}
        return {"loss": parts["sender"] + parts["cost"], **parts}

    def guesses(self, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        outputs = feed(model, batch.inputs)
        return outputs["sender"].argmax(1), outputs["cost"] * self.cost.scales[0] + self.cost.means[0]

    def evaluate(self, model: Any, batches: Batches) -> Evaluation:
        return self.scored(*self.guesses(model, batches.whole()), batches.whole())

    def scored(self, sender: Tensor, cost: Tensor, whole: Batch) -> Evaluation:
        truth: Any = whole.targets
        accuracy = (sender == truth["sender"]).float().mean().item()
        error = (cost - truth["cost"]).abs().mean().item()
        return Evaluation({"accuracy": accuracy, "mae": error}, whole.num_samples, "share of senders; error in euro")

    def answer(self, model: Any, batches: Batches | None, request: Request) -> Iterable[Answer]:
        if batches is None:
            raise CannotAnswer("parcels are asked about: name some")
        for sender, cost in zip(*self.guesses(model, batches.whole()), strict=True):
            yield [{"sender": self.senders.names[int(sender)], "cost": cost.item()}]

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Any]:
        return {}

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        return {}


def build(config: Config, spec: Spec, preparation: Preparation) -> SenderAndCost:
    senders, cost = spec.targets["sender"], spec.targets["cost"]
    assert isinstance(senders, Classes)
    assert isinstance(cost, Numbers)
    return SenderAndCost(senders, cost)
