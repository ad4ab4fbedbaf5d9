"""Quantile regression: a number that a given share of the true values stays below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from dltk import pictures
from dltk.config.errors import OptionError
from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Numbers, Spec
from dltk.data.splits import Splits
from dltk.data.targets import all_targets, target_of
from dltk.nn.feeding import outputs_for
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Config(TaskConfig):
    """Learns a bound instead of a mean (Koenker & Bassett 1978); two runs, at 0.05 and 0.95, give an interval."""

    needs: ClassVar[Needs] = Needs(targets=(Numbers,), roles=("predictor",))
    share: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """The share of true values that are to stay below the answer; 0.5 is the median."""


def build(config: Config, spec: Spec, preparation: Preparation) -> Quantile:  # noqa: ARG001
    """Return the task for one target of numbers.

    Raises:
        OptionError: The data have no such target.
    """
    if len(spec.targets) != 1 or not isinstance(spec.target, Numbers):
        raise OptionError("", "quantile learns one target of one or more numbers", id="DLTK-CONFIG-MISFIT")
    return Quantile(config, spec.target, next(iter(spec.targets)))


@dataclass(frozen=True)
class Quantile:
    """Learns, scores and answers one quantile of each number.

    Attributes:
        config: The options.
        target: The numbers' names, units and scale.
        target_name: What the data call them together.
    """

    config: Config
    target: Numbers
    target_name: str

    @property
    def scores(self) -> Mapping[str, Direction]:
        """The pinball loss, which the true quantile makes smallest; coverage stands beside it, without a direction."""
        return {"pinball": "min"}

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return the gradient learner."""
        return learner_for(model, self._training_loss, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Score a split: mean pinball loss in original units, and the share of true values below the answers."""
        predicted, truth = [], []
        for batch in batches.epoch(0):
            predicted.append(self.target.unscaled(self._outputs(model, batch).double()))
            truth.append(target_of(batch).double())
        return self._evaluation(torch.cat(predicted).cpu(), torch.cat(truth).cpu())

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        """Answer each input with its bound by name, in original units."""
        if batches is None or request.count is not None or request.steps is not None or request.top is not None:
            raise CannotAnswer("quantile answers named inputs, one row each, without --count, --steps and --top")
        return self._answers(model, batches)

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Figure]:
        """Draw bounds over true numbers: the wanted share of points lies above the diagonal."""
        title = f"coverage {evaluation.scores['coverage']:.3f} of {self.config.share:g}, n = {evaluation.num_samples:,}"
        columns: Mapping[str, Any] = evaluation.columns
        return {"bounds": pictures.error_scatter(columns["predicted"], columns["true"], self.target.labels, title)}

    def baseline_names(self, spec: Spec, num_samples: int | None) -> Sequence[str]:  # noqa: ARG002
        """Return the one there is."""
        return ["constant"]

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score the quantile of the training split as the answer to every sample."""
        bound = all_targets(splits.train).double().quantile(self.config.share, dim=0)
        truth = all_targets(splits.test or splits.val or splits.train).double()
        return {"constant": self._evaluation(bound.expand_as(truth), truth)}

    def _outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        return outputs_for(self.target_name, self.target.num_outputs, model, batch.inputs)

    def _training_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean loss in units of the target's scale, so that learning rates mean the same everywhere."""
        outputs = self._outputs(model, batch)
        return self._pinball(outputs, self.target.scaled(target_of(batch)).to(outputs.dtype)).mean()

    def _pinball(self, predicted: Tensor, truth: Tensor) -> Tensor:
        """Return (B, targets): too low costs `share` per unit, too high the rest."""
        short = truth - predicted
        return torch.maximum(self.config.share * short, (self.config.share - 1) * short)

    def _evaluation(self, predicted: Tensor, truth: Tensor) -> Evaluation:
        coverage = (truth <= predicted).double().mean().item()
        scores = {"pinball": self._pinball(predicted, truth).mean().item(), "coverage": coverage}
        protocol = (
            f"pinball: mean loss at {self.config.share:g}, in original units\ncoverage: share of true values below"
        )
        return Evaluation(scores, len(truth), protocol, {"true": truth, "predicted": predicted})

    def _answers(self, model: nn.Module, batches: Batches) -> Iterator[Answer]:
        for batch in batches.epoch(0):
            for row in self.target.unscaled(self._outputs(model, batch).double()).tolist():
                yield [{f"{name} below": value for name, value in zip(self.target.labels, row, strict=True)}]
