"""A ready task for one loss: trains with it, scores it over a split, and spells what the model predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch, Batches
from dltk.data.specs import Spec
from dltk.data.splits import Splits
from dltk.nn.feeding import feed
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def as_they_are(outputs: Any) -> Any:
    """Take a model's outputs as the predictions."""
    return outputs


@dataclass(frozen=True)
class LossTask:
    """Learns to make a loss small; of such a task only these functions need writing.

    Attributes:
        score: What the mean loss over a split is called.
        losses: (predictions, targets) of a batch -> the loss of each sample, (B,).
        spell: Predictions of a batch -> one row of the answer per sample.
        decode: Outputs of the model for a batch -> predictions, say in original units.
        constant: All targets of the training split -> the prediction for every sample, the baseline to compare with.
    """

    score: str
    losses: Callable[[Any, Any], Tensor]
    spell: Callable[[Any], Sequence[Mapping[str, Any]]]
    decode: Callable[[Any], Any] = as_they_are
    constant: Callable[[Any], Any] | None = None

    @property
    def scores(self) -> Mapping[str, Direction]:
        """The loss, small is good."""
        return {self.score: "min"}

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return the gradient learner, or the one-pass learner of an estimator."""
        return learner_for(model, self._mean_loss, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Score a split by the mean loss per sample."""
        return self._evaluation(lambda batch: self._predicted(model, batch), batches)

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        """Answer each input with the row of its prediction."""
        if batches is None or request.count is not None or request.steps is not None or request.top is not None:
            raise CannotAnswer("this task answers named inputs, one row each, without --count, --steps and --top")
        return self._answers(model, batches)

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Figure]:  # noqa: ARG002
        """Draw nothing."""
        return {}

    def baseline_names(self, spec: Spec, num_samples: int | None) -> Sequence[str]:  # noqa: ARG002
        """Return the constant prediction, where there is one."""
        return [] if self.constant is None else ["constant"]

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score the constant prediction, where there is one."""
        if self.constant is None:
            return {}
        constant = self.constant(splits.train.whole().targets)
        return {"constant": self._evaluation(lambda _: constant, splits.test or splits.val or splits.train)}

    def _mean_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        return self.losses(self._predicted(model, batch), batch.targets).mean()

    def _predicted(self, model: nn.Module, batch: Batch) -> Any:
        return self.decode(feed(model, batch.inputs))

    def _evaluation(self, predicted: Callable[[Batch], Any], batches: Batches) -> Evaluation:
        with torch.inference_mode():
            parts = [self.losses(predicted(batch), batch.targets).double() for batch in batches.epoch(0)]
        losses = torch.cat(parts).cpu()
        protocol = f"{self.score}: mean per sample"
        return Evaluation({self.score: losses.mean().item()}, len(losses), protocol, {"loss": losses})

    def _answers(self, model: nn.Module, batches: Batches) -> Iterator[Answer]:
        for batch in batches.epoch(0):
            with torch.inference_mode():
                rows = self.spell(self._predicted(model, batch))
            for row in rows:
                yield [row]
