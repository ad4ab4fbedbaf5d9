"""Classification: which of some named classes a sample belongs to, or which labels it has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

import torch
from torch import Tensor, nn

from dltk.config.errors import OptionError, did_you_mean, listed, shown
from dltk.config.settings import DISTINCT, Fraction, NonNegativeFloat, PositiveFloat
from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Classes, Image, Spec
from dltk.data.splits import Splits
from dltk.data.targets import all_targets, target_of
from dltk.metrics.class_scores import ONE_OF_SEVERAL, SEVERAL_AT_ONCE, Metric, MetricName
from dltk.metrics.worst import Worst
from dltk.nn.class_outputs import ClassOutputs
from dltk.nn.feeding import outputs_for
from dltk.nn.losses import ClassLoss, class_losses, sample_weights
from dltk.training import linear_baseline
from dltk.training.class_report import class_pictures, per_class
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_WORST = 32
RAREST = 1e-12
MISFIT: Final = "DLTK-CONFIG-MISFIT"


class Config(TaskConfig):
    """Learns to tell named classes apart: two, several, or any number of labels at once."""

    needs: ClassVar[Needs] = Needs(targets=(Classes,), roles=("predictor", "estimator"))
    is_default: ClassVar[bool] = True
    loss: Literal["auto", "cross_entropy", "focal", "hinge", "mse", "perceptron"] = "auto"
    """What is minimised: auto is cross_entropy, with a softmax, or a sigmoid for two classes and for labels; focal
    attends to what is still wrong; hinge is the margin of a support vector machine; mse is the squared error of the
    probabilities; perceptron is Rosenblatt's rule, for two classes, meant for sgd with data.batch_size 1."""
    gamma: NonNegativeFloat | None = None
    """How little focal counts what is already sure; default 2, and 0 is cross_entropy; focal only."""
    class_weights: Literal["none", "balanced"] | dict[str, PositiveFloat] = "none"
    """How much a sample of each class counts while training, {name: weight}, 1 where none is given; balanced is
    n / (classes * n of the class), from the training samples. Scores and the val loss count every sample alike."""
    label_smoothing: Fraction = 0.0
    """Part of each target spread evenly over all classes while training; for cross_entropy, focal and mse."""
    metrics: Annotated[tuple[MetricName, ...], DISTINCT] = ()
    """Scores to report, the main one first; default accuracy, with several labels per sample micro_f1 and accuracy."""


def build(config: Config, spec: Spec, preparation: Preparation) -> Classification:  # noqa: ARG001
    """Return the task for one target of named classes, with every default decided.

    Raises:
        OptionError: A loss or metric does not fit the target.
    """
    if len(spec.targets) != 1:
        raise OptionError("", f"classification learns one target; the data have {len(spec.targets)}", id=MISFIT)
    (name, target), *_ = spec.targets.items()
    if not isinstance(target, Classes):
        raise OptionError("", f"classification needs classes to learn; the data's target is {target.word}", id=MISFIT)
    loss = "cross_entropy" if config.loss == "auto" else config.loss
    gamma = 2.0 if loss == "focal" and config.gamma is None else config.gamma
    wanted = config.metrics or (("micro_f1", "accuracy") if target.multi_label else ("accuracy",))
    weights = config.class_weights
    if isinstance(weights, dict):
        _refuse_unknown_classes(weights, target)
        weights = {name: weights.get(name, 1.0) for name in target.names}
    decided = {"loss": loss, "gamma": gamma, "metrics": tuple(wanted), "class_weights": weights}
    keeps_worst = len(spec.inputs) == 1 and isinstance(spec.input, Image)
    task = Classification(config.model_copy(update=decided), target, name, keeps_worst=keeps_worst)
    _refuse_misfits(task)
    return task


@dataclass(frozen=True)
class Classification:
    """Learns, scores and answers which classes samples belong to.

    Attributes:
        config: The options, with every default decided.
        target: The classes.
        target_name: What the data call them.
        keeps_worst: Whether evaluations keep the images with the largest losses.
    """

    config: Config
    target: Classes
    target_name: str
    keeps_worst: bool = False

    @property
    def scores(self) -> Mapping[str, Direction]:
        """The metrics, then the loss."""
        return {**{name: self.metrics[name].direction for name in self.config.metrics}, "loss": "min"}

    @property
    def outputs(self) -> ClassOutputs:
        """How outputs stand for these classes."""
        return ClassOutputs(len(self.target.names), self.target.num_outputs, self.target.multi_label)

    @property
    def loss(self) -> ClassLoss:
        """The loss that was chosen."""
        return class_losses(self.config.gamma or 0.0)[self.config.loss]

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """All scores of such a target."""
        return SEVERAL_AT_ONCE if self.target.multi_label else ONE_OF_SEVERAL

    @property
    def learns_shares(self) -> bool:
        """Whether a sample may be of several classes in shares, as mixup and cutmix make them."""
        return self.loss.is_probability or self.target.multi_label

    @property
    def activation(self) -> str:
        """What makes the model's outputs probabilities; "" where the loss makes them none."""
        if not self.loss.is_probability:
            return ""
        return "sigmoid" if self.outputs.stand_alone else "softmax"

    def fitted(self, train: Batches) -> Classification:
        """Return the task with class weights taken from the training samples."""
        if self.config.class_weights != "balanced":
            return self
        counts = self.outputs.shares(all_targets(train)).double().sum(0)
        weights = torch.where(counts > 0, counts.sum() / (counts > 0).sum() / counts, 1.0).tolist()
        decided = {"class_weights": dict(zip(self.target.names, weights, strict=True))}
        return replace(self, config=self.config.model_copy(update=decided))

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return the gradient learner, or the one-pass learner of an estimator."""
        return learner_for(model, self._training_loss, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Score a split; the loss is without class weights and label smoothing."""
        outputs, targets, sample_losses = [], [], []
        worst = Worst(NUM_WORST)
        with torch.inference_mode():
            for batch in batches.epoch(0):
                outputs.append(self._outputs(model, batch).double())
                targets.append(target_of(batch))
                sample_losses.append(self._losses(outputs[-1], targets[-1]))
                if self.keeps_worst:
                    worst.add(batch.inputs, sample_losses[-1])
            loss = torch.cat(sample_losses).cpu()
            return self._evaluation(torch.cat(outputs).cpu(), torch.cat(targets).cpu(), loss, worst.columns())

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        """Answer each input with its class and probability; with `request.top`, a row for each of the likeliest."""
        if batches is None or request.count is not None or request.steps is not None:
            raise CannotAnswer(
                "classification answers named inputs, with --top N several rows each, without --count and --steps"
            )
        return self._answers(model, batches, request.top)

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Figure]:
        """Draw what was taken for what, how well each class ranks and is found, and the images with large losses."""
        main = self.config.metrics[0]
        title = f"{main.replace('_', ' ')} {evaluation.scores[main]:.4f}, n = {evaluation.num_samples:,}"
        return class_pictures(evaluation, self.target, title, is_probability=self.loss.is_probability)

    def baseline_names(self, spec: Spec, num_samples: int | None) -> Sequence[str]:
        """Return majority, and linear where a linear model is fitted, too."""
        is_linear = linear_baseline.is_fitted(spec, num_samples, self.target.num_outputs)
        return ["majority", *(["linear"] if is_linear else [])]

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score the training split's most frequent class, or each label's majority; and of tables a linear model."""
        frequencies = self.outputs.shares(all_targets(splits.train)).double().mean(0)
        truth = all_targets(splits.test or splits.val or splits.train)
        frequencies = frequencies.clamp(RAREST, 1 - RAREST)
        majority = (frequencies.logit() if self.target.multi_label else frequencies.log()).expand(len(truth), -1)
        protocol = "every sample gets the training split's frequencies as probabilities"
        found = {"majority": Evaluation(self._metrics(majority, truth), len(truth), protocol)}
        if (features := linear_baseline.features_of(splits, self.target.num_outputs)) is not None:
            activations = self.outputs.activations(linear_baseline.logistic(features, self.outputs))
            protocol = f"logistic regression {linear_baseline.PROTOCOL}"
            found["linear"] = Evaluation(self._metrics(activations, features.truth), len(truth), protocol)
        return found

    def _outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        return outputs_for(self.target_name, self.target.num_outputs, model, batch.inputs)

    def _losses(self, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return (B,) losses."""
        values = self.loss.alone if self.outputs.stand_alone else self.loss.among
        assert values is not None
        return values(outputs, self.outputs.wanted(targets, smoothing))

    def _training_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        targets = target_of(batch)
        values = self._losses(self._outputs(model, batch), targets, self.config.label_smoothing)
        if isinstance(self.config.class_weights, dict):
            values = values * sample_weights(targets, tuple(self.config.class_weights.values()), values.dtype)
        return values.sum() if self.config.loss == "perceptron" else values.mean()

    def _evaluation(self, outputs: Tensor, truth: Tensor, loss: Tensor, extra: Mapping[str, Any]) -> Evaluation:
        activations = self.outputs.activations(outputs)
        scores = {**self._metrics(activations, truth), "loss": loss.mean().item()}
        predicted = self.outputs.predicted(activations)
        columns = {
            "true": truth,
            "predicted": predicted,
            "probabilities": self.outputs.probabilities(activations).float(),
            "loss": loss,
            **extra,
        }
        definitions = [f"{name}: {self.metrics[name].definition}" for name in self.config.metrics]
        protocol = "\n".join([*definitions, f"loss: {self._loss_in_words}"])
        return Evaluation(scores, len(truth), protocol, columns, per_class(predicted, truth, self.target))

    @property
    def _loss_in_words(self) -> str:
        options = {"class weights": self.config.class_weights != "none", "smoothing": self.config.label_smoothing}
        left_out = " and ".join(name for name, is_on in options.items() if is_on)
        return f"mean {self.config.loss} per sample" + (f", without {left_out}" if left_out else "")

    def _metrics(self, activations: Tensor, truth: Tensor) -> dict[str, float]:
        if activations.isnan().any():  # what is not a number is no answer
            return dict.fromkeys(self.config.metrics, float("nan"))
        return {name: self.metrics[name].score(activations, truth) for name in self.config.metrics}

    def _answers(self, model: nn.Module, batches: Batches, top: int | None) -> Iterator[Answer]:
        for batch in batches.epoch(0):
            with torch.inference_mode():
                activations = self.outputs.activations(self._outputs(model, batch).double()).cpu()
                probabilities = self.outputs.probabilities(activations)
            yield from self._rows(activations, probabilities, top)

    def _rows(self, activations: Tensor, probabilities: Tensor, top: int | None) -> Iterator[Answer]:
        """Yield the answers to a batch: all labels of a sample, or its `top` classes."""
        names = self.target.names
        word, values = self._certainty(activations, probabilities)
        if top is None and self.target.multi_label:
            for sample, sure in zip(activations.tolist(), values.tolist(), strict=True):
                chosen = [name for name, value in zip(names, sample, strict=True) if value > 0]
                each = {f"{word}/{name}": value for name, value in zip(names, sure, strict=True)}
                yield [{"label": ", ".join(chosen), **each}]
            return
        order = activations.argsort(dim=1, descending=True, stable=True)[:, : top or 1]
        for places, sure in zip(order.tolist(), values.gather(1, order).tolist(), strict=True):
            rows = [{"label": names[place], word: value} for place, value in zip(places, sure, strict=True)]
            yield rows if top is None else [{"rank": rank, **row} for rank, row in enumerate(rows, 1)]

    def _certainty(self, activations: Tensor, probabilities: Tensor) -> tuple[str, Tensor]:
        """Return what to call the number beside a label: a margin's activation is no probability."""
        return ("probability", probabilities) if self.loss.is_probability else ("activation", activations)


def _refuse_misfits(task: Classification) -> None:
    """Refuse options that contradict the target or each other; an option set for nothing would be a silent one."""
    config, loss, target = task.config, task.loss, task.target
    kind = f"{len(target.names)} labels per sample" if target.multi_label else f"{len(target.names)} classes"
    if config.loss == "perceptron" and (target.multi_label or len(target.names) != 2):
        fitting = ["auto", *(name for name in class_losses() if name != "perceptron")]
        reason = f"perceptron needs two classes; the data have {kind}"
        raise OptionError("loss", reason, id=MISFIT, found=config.loss, allowed=listed(fitting))
    if config.gamma is not None and config.loss != "focal":
        raise OptionError("gamma", "needs another loss", id="DLTK-CONFIG-CONFLICT", found=config.loss, allowed="focal")
    if config.label_smoothing and not loss.is_probability:
        said, fitting_losses = "needs another loss", "cross_entropy, focal or mse"
        raise OptionError("label_smoothing", said, id="DLTK-CONFIG-CONFLICT", found=config.loss, allowed=fitting_losses)
    if config.class_weights != "none" and target.multi_label:
        raise OptionError("class_weights", f"needs one class per sample; the data have {kind}", id=MISFIT)
    for position, name in enumerate(config.metrics):
        if reason := _why_undefined(name, task, kind):
            raise OptionError(f"metrics.{position}", reason)


def _why_undefined(name: str, task: Classification, kind: str) -> str:
    """Return why a score does not go with the target or the loss; "" where it does."""
    if name not in task.metrics:
        return f"{name} is not defined for {kind}; allowed: {listed(task.metrics)}"
    low, high = task.metrics[name].num_classes
    if not low <= len(task.target.names) <= (high or math.inf):
        wanted = "two" if low == high == 2 else f"{low} or more"
        macro = f"; macro_{name} is for several" if f"macro_{name}" in task.metrics else ""
        return f"{name} needs {wanted} classes; the data have {kind}{macro}"
    if task.metrics[name].needs_probabilities and not task.loss.is_probability:
        return f"{name} needs probabilities; the activations of loss: {task.config.loss} are none"
    return ""


def _refuse_unknown_classes(weights: Mapping[str, float], target: Classes) -> None:
    for name in weights:
        if name not in target.names:
            reason = f"there is no class {shown(name)}{did_you_mean(str(name), target.names)}"
            raise OptionError("class_weights", reason, id="DLTK-CONFIG-UNKNOWN-NAME", allowed=listed(target.names))
