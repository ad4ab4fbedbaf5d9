"""Regression: one or several real numbers per sample, scored in their own units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn

from dltk import pictures
from dltk.config.errors import OptionError
from dltk.config.settings import DISTINCT, PositiveFloat
from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Numbers, Spec
from dltk.data.splits import Splits
from dltk.data.targets import all_targets, target_of
from dltk.metrics.regression import METRICS
from dltk.nn.feeding import outputs_for
from dltk.nn.number_losses import NumberLoss, number_losses
from dltk.training import linear_baseline
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MetricName = Literal["mae", "mse", "rmse", "r2", "mape", "median_absolute_error", "max_error"]
DEFAULT_METRICS: tuple[MetricName, ...] = ("mae", "rmse", "r2")


class Config(TaskConfig):
    """Learns real numbers; a model's outputs are in standard deviations around the training mean."""

    needs: ClassVar[Needs] = Needs(targets=(Numbers,), roles=("predictor", "estimator"))
    is_default: ClassVar[bool] = True
    loss: Literal["mse", "mae", "huber", "log_cosh"] = "mse"
    """What is minimised, on scaled numbers: squared or absolute error, or something between that bends at delta
    (huber) or smoothly (log_cosh) and so minds outliers less than mse."""
    delta: PositiveFloat | None = None
    """Where huber's error goes on straight, in standard deviations; default 1; huber only."""
    metrics: Annotated[tuple[MetricName, ...], DISTINCT] = ()
    """Scores to report, in original units, the main one first; default mae, rmse, r2."""


def build(config: Config, spec: Spec, preparation: Preparation) -> Regression:  # noqa: ARG001
    """Return the task for one target of numbers, with every default decided.

    Raises:
        OptionError: The data have no such target, or an option is for another loss.
    """
    if len(spec.targets) != 1:
        raise OptionError(
            "",
            f"regression learns one target of one or more numbers; the data have {len(spec.targets)}",
            id="DLTK-CONFIG-MISFIT",
        )
    (name, target), *_ = spec.targets.items()
    if not isinstance(target, Numbers):
        raise OptionError(
            "", f"regression needs numbers to learn; the data's target is {target.word}", id="DLTK-CONFIG-MISFIT"
        )
    if config.delta is not None and config.loss != "huber":
        raise OptionError(
            "delta",
            "needs another loss",
            id="DLTK-CONFIG-CONFLICT",
            found=f"loss: {config.loss}",
            allowed="loss: huber",
        )
    delta = 1.0 if config.loss == "huber" and config.delta is None else config.delta
    decided = config.model_copy(update={"metrics": config.metrics or DEFAULT_METRICS, "delta": delta})
    return Regression(decided, target, name)


@dataclass(frozen=True)
class Regression:
    """Learns, scores and answers numbers.

    Attributes:
        config: The options, with every default decided.
        target: The numbers' names, units and scale.
        target_name: What the data call them together.
    """

    config: Config
    target: Numbers
    target_name: str

    @property
    def scores(self) -> Mapping[str, Direction]:
        """The metrics, then the loss, then the metrics of each number where there are several."""
        directions: dict[str, Direction] = {metric: METRICS[metric].direction for metric in self.config.metrics}
        each = {f"{metric}/{name}": way for metric, way in directions.items() for name in self._several}
        return {**directions, "loss": "min", **each}

    @property
    def loss(self) -> NumberLoss:
        """The loss that was chosen."""
        return number_losses(self.config.delta or 1.0)[self.config.loss]

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return the gradient learner, or the one-pass learner of an estimator."""
        return learner_for(model, self._training_loss, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Score a split: errors in original units, the loss on scaled numbers."""
        outputs, truth = [], []
        with torch.inference_mode():
            for batch in batches.epoch(0):
                outputs.append(self._outputs(model, batch).double())
                truth.append(target_of(batch).double())
            return self._evaluation(torch.cat(outputs).cpu(), torch.cat(truth).cpu())

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        """Answer each input with its numbers by name, in original units."""
        if batches is None or request.count is not None or request.steps is not None or request.top is not None:
            raise CannotAnswer("regression answers named inputs, one row each, without --count, --steps and --top")
        return self._answers(model, batches)

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Figure]:
        """Draw predicted over true numbers, errors over predictions, and the errors' distribution."""
        main = self.config.metrics[0]
        title = f"{main} {evaluation.scores[main]:.4g}, n = {evaluation.num_samples:,}"
        columns = evaluation.columns
        return {"errors": pictures.error_scatter(columns["predicted"], columns["true"], self.target.labels, title)}

    def baseline_names(self, spec: Spec, num_samples: int | None) -> Sequence[str]:
        """Return mean, and linear where a linear model is fitted, too."""
        is_linear = linear_baseline.is_fitted(spec, num_samples, self.target.num_outputs)
        return ["mean", *(["linear"] if is_linear else [])]

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score the mean of the training split as the answer to every sample; and of tables a linear model."""
        truth = all_targets(splits.test or splits.val or splits.train).double()
        mean = all_targets(splits.train).double().mean(0).expand_as(truth)
        protocol = "every sample gets the mean of the training split"
        found = {"mean": Evaluation(self._metrics(mean, truth), len(truth), protocol)}
        features = linear_baseline.features_of(splits, self.target.num_outputs)
        if features is not None:
            predicted = linear_baseline.ridge(features, features.targets)
            protocol = f"ridge regression {linear_baseline.PROTOCOL}"
            found["linear"] = Evaluation(self._metrics(predicted, features.truth), len(truth), protocol)
        return found

    @property
    def _several(self) -> tuple[str, ...]:
        return self.target.names if len(self.target.names) > 1 else ()

    def _outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        return outputs_for(self.target_name, self.target.num_outputs, model, batch.inputs)

    def _training_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        outputs = self._outputs(model, batch)
        return self.loss.mean(outputs, self.target.scaled(target_of(batch)).to(outputs.dtype))

    def _evaluation(self, outputs: Tensor, truth: Tensor) -> Evaluation:
        predicted = self.target.unscaled(outputs)
        loss = self.loss.mean(outputs, self.target.scaled(truth))
        metric_scores = self._metrics(predicted, truth)
        scores = {name: metric_scores.get(name, loss.item()) for name in self.scores}
        definitions = [f"{name}: {METRICS[name].definition}" for name in self.config.metrics]
        units = f"d, y in original units{', means over targets' if self._several else ''}"
        protocol = "\n".join([*definitions, units, f"loss: mean {self.config.loss} on scaled numbers"])
        return Evaluation(scores, len(truth), protocol, {"true": truth, "predicted": predicted})

    def _metrics(self, predicted: Tensor, truth: Tensor) -> dict[str, float]:
        scores: dict[str, float] = {}
        for metric in self.config.metrics:
            values = METRICS[metric].score(predicted, truth)
            scores[metric] = values.mean().item()
            scores |= {f"{metric}/{name}": values[i].item() for i, name in enumerate(self._several)}
        return scores

    def _answers(self, model: nn.Module, batches: Batches) -> Iterator[Answer]:
        for batch in batches.epoch(0):
            with torch.inference_mode():
                predicted = self.target.unscaled(self._outputs(model, batch).double()).tolist()
            for row in predicted:
                yield [dict(zip(self.target.labels, row, strict=True))]
