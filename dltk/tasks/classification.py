"""Classification: which of some named classes a sample belongs to, or which labels it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from dltk import pictures
from dltk.config.errors import OptionError, listed
from dltk.config.settings import Fraction
from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Classes, Image, Spec
from dltk.data.splits import Splits
from dltk.metrics import classification as metrics
from dltk.nn import losses
from dltk.nn.feeding import outputs_for
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Metric = Literal["accuracy", "top5_accuracy", "macro_precision", "macro_recall", "macro_f1", "micro_f1", "roc_auc"]
NUM_WORST = 32


class Config(TaskConfig):
    """Learns to tell named classes apart: two, several, or any number of labels at once."""

    needs: ClassVar[Needs] = Needs(targets=(Classes,), roles=("predictor", "estimator"))
    is_default: ClassVar[bool] = True
    loss: Literal["auto", "cross_entropy", "perceptron", "mse"] = "auto"
    """What is minimised: auto is cross_entropy; perceptron is Rosenblatt's rule, for two classes, meant for sgd with
    data.batch_size 1; mse is the squared error of the probabilities."""
    label_smoothing: Fraction = 0.0
    """Part of each target spread evenly over all classes while training; cross_entropy only."""
    metrics: tuple[Metric, ...] = ()
    """Scores to report, the main one first; default accuracy, with several labels per sample micro_f1 and accuracy."""


def build(config: Config, spec: Spec, preparation: Preparation) -> Classification:  # noqa: ARG001
    """Return the task for one target of named classes, with every default decided.

    Raises:
        OptionError: A loss or metric does not fit the target.
    """
    if len(spec.targets) != 1:
        raise OptionError("", f"classification learns one target; the data have {len(spec.targets)}")
    (name, target), *_ = spec.targets.items()
    if not isinstance(target, Classes):
        raise OptionError("", f"classification needs classes to learn; the data's target is {target.word}")
    loss = "cross_entropy" if config.loss == "auto" else config.loss
    wanted = config.metrics or (("micro_f1", "accuracy") if target.multi_label else ("accuracy",))
    decided = config.model_copy(update={"loss": loss, "metrics": tuple(wanted)})
    _refuse_misfits(decided, target)
    keeps_worst = len(spec.inputs) == 1 and isinstance(spec.input, Image)
    return Classification(decided, target, name, keeps_worst=keeps_worst)


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
        return {**dict.fromkeys(self.config.metrics, "max"), "loss": "min"}

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return the gradient learner, or the one-pass learner of an estimator."""
        return learner_for(model, self._training_loss, settings, session)

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Score a split; the loss is without label smoothing."""
        outputs, targets, sample_losses = [], [], []
        worst = Worst(NUM_WORST)
        with torch.inference_mode():
            for batch in batches.epoch(0):
                outputs.append(self._outputs(model, batch).double())
                targets.append(_only_target(batch))
                sample_losses.append(self._losses(outputs[-1], targets[-1], smoothing=0.0))
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
        """Draw the confusion matrix, or F1 of each label; and of images, those with the largest losses."""
        columns, names = evaluation.columns, self.target.names
        main = self.config.metrics[0]
        title = f"{main.replace('_', ' ')} {evaluation.scores[main]:.4f}, n = {evaluation.num_samples:,}"
        if self.target.multi_label:
            f1 = metrics.f1_per_label(columns["predicted"], columns["true"])
            figures = {"f1_per_label": pictures.label_bars(f1, names, title=title, axis="F1")}
        else:
            confusion = metrics.confusion_matrix(columns["predicted"], columns["true"], len(names))
            figures = {"confusion_matrix": pictures.confusion_matrix(confusion, names, title)}
        if "worst_inputs" in columns and columns["worst_inputs"].shape[1] in (1, 3):
            captions = [self._caption(columns, i) for i in columns["worst_positions"].tolist()]
            figures["worst"] = pictures.image_grid(
                columns["worst_inputs"], "largest losses: true → predicted", captions
            )
        return figures

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score the training split's most frequent class, or each label's majority, as the answer to every sample."""
        share = _all_targets(splits.train)
        share = share if self.target.multi_label else nn.functional.one_hot(share, len(self.target.names))
        frequencies = share.double().mean(0)
        truth = _all_targets(splits.test or splits.val or splits.train)
        activations = (frequencies - 0.5 if self.target.multi_label else frequencies).expand(len(truth), -1)
        protocol = "every sample gets the most frequent answer of the training split"
        return {"majority": Evaluation(self._metrics(activations, truth), len(truth), protocol)}

    def _outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        return outputs_for(self.target_name, self.target.num_outputs, model, batch.inputs)

    def _losses(self, outputs: Tensor, targets: Tensor, *, smoothing: float) -> Tensor:
        """Return (B,) losses."""
        if self.config.loss == "mse":
            return losses.squared_error_of_probabilities(outputs, targets)
        if self.config.loss == "perceptron":
            return losses.perceptron(outputs, targets)
        return losses.cross_entropy(outputs, targets, smoothing)

    def _training_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        values = self._losses(self._outputs(model, batch), _only_target(batch), smoothing=self.config.label_smoothing)
        return values.sum() if self.config.loss == "perceptron" else values.mean()

    def _evaluation(self, outputs: Tensor, truth: Tensor, loss: Tensor, extra: Mapping[str, Any]) -> Evaluation:
        activations = self._activations(outputs)
        scores = {**self._metrics(activations, truth), "loss": loss.mean().item()}
        columns = {
            "true": truth,
            "predicted": self._predicted(activations),
            "probabilities": self._probabilities(activations).float(),
            "loss": loss,
            **extra,
        }
        definitions = [f"{name}: {_metrics_for(self.target)[name].definition}" for name in self.config.metrics]
        protocol = "; ".join([*definitions, f"loss: mean {self.config.loss} per sample"])
        return Evaluation(scores, len(truth), protocol, columns)

    def _activations(self, outputs: Tensor) -> Tensor:
        """Return (n, classes): one output of two classes becomes 0 and itself, so that a tie is the first class."""
        is_single = self.target.num_outputs < len(self.target.names)
        return torch.cat([torch.zeros_like(outputs), outputs], 1) if is_single else outputs

    def _predicted(self, activations: Tensor) -> Tensor:
        return activations > 0 if self.target.multi_label else activations.argmax(1)

    def _probabilities(self, activations: Tensor) -> Tensor:
        return activations.sigmoid() if self.target.multi_label else activations.softmax(1)

    def _metrics(self, activations: Tensor, truth: Tensor) -> dict[str, float]:
        if activations.isnan().any():  # what is not a number is no answer
            return dict.fromkeys(self.config.metrics, float("nan"))
        table = _metrics_for(self.target)
        return {name: table[name].score(activations, truth) for name in self.config.metrics}

    def _caption(self, columns: Mapping[str, Any], position: int) -> str:
        if self.target.multi_label:
            return f"loss {columns['loss'][position]:.2f}"
        true, predicted = (self.target.names[int(columns[key][position])] for key in ("true", "predicted"))
        return f"{true[:11]} → {predicted[:11]}"  # two names in the width of one image

    def _answers(self, model: nn.Module, batches: Batches, top: int | None) -> Iterator[Answer]:
        for batch in batches.epoch(0):
            with torch.inference_mode():
                activations = self._activations(self._outputs(model, batch).double()).cpu()
                probabilities = self._probabilities(activations)
            for values, chances in zip(activations, probabilities, strict=True):
                yield self._rows(values, chances, top)

    def _rows(self, activations: Tensor, probabilities: Tensor, top: int | None) -> Answer:
        names = self.target.names
        if top is None and self.target.multi_label:
            chosen = [i for i, value in enumerate(activations.tolist()) if value > 0]
            each = {f"probability/{name}": chance for name, chance in zip(names, probabilities.tolist(), strict=True)}
            return [{"label": ", ".join(names[i] for i in chosen), **each}]
        order = activations.argsort(descending=True, stable=True)[: top or 1].tolist()
        word, values = self._certainty(activations, probabilities)
        rows = [{"label": names[i], word: values[i].item()} for i in order]
        return rows if top is None else [{"rank": rank, **row} for rank, row in enumerate(rows, 1)]

    def _certainty(self, activations: Tensor, probabilities: Tensor) -> tuple[str, Tensor]:
        """Return what to call the number beside a label: nothing makes a perceptron's activation a probability."""
        is_step = self.config.loss == "perceptron"
        return ("activation", activations) if is_step else ("probability", probabilities)


class Worst:
    """The inputs with the largest losses so far, on their device."""

    def __init__(self, count: int) -> None:
        self._count, self._seen = count, 0
        self._inputs: Tensor | None = None
        self._losses, self._positions = torch.empty(0), torch.empty(0)

    def add(self, inputs: Any, sample_losses: Tensor) -> None:
        """Look at a batch: inputs (B, ...) and losses (B,)."""
        positions = torch.arange(self._seen, self._seen + len(inputs), device=inputs.device)
        self._seen += len(inputs)
        if self._inputs is not None:
            inputs = torch.cat([self._inputs, inputs])
            sample_losses = torch.cat([self._losses, sample_losses])
            positions = torch.cat([self._positions, positions])
        best = sample_losses.topk(min(self._count, len(inputs))).indices
        self._inputs, self._losses, self._positions = inputs[best], sample_losses[best], positions[best]

    def columns(self) -> dict[str, Tensor]:
        """Return the inputs and their positions in the split, worst first; nothing where none were added."""
        if self._inputs is None:
            return {}
        return {"worst_inputs": self._inputs.cpu(), "worst_positions": self._positions.cpu()}


def _metrics_for(target: Classes) -> Mapping[str, metrics.Metric]:
    return metrics.SEVERAL_AT_ONCE if target.multi_label else metrics.ONE_OF_SEVERAL


def _refuse_misfits(config: Config, target: Classes) -> None:
    count = len(target.names)
    kind = f"{count} labels per sample" if target.multi_label else f"{count} classes"
    if config.loss == "perceptron" and (target.multi_label or count != 2):
        raise OptionError(
            "loss", f"perceptron needs two classes; the data have {kind}; allowed: auto, cross_entropy, mse"
        )
    if config.label_smoothing and config.loss != "cross_entropy":
        raise OptionError("label_smoothing", f"needs loss: cross_entropy; received loss: {config.loss}")
    known = _metrics_for(target)
    for position, name in enumerate(config.metrics):
        if name not in known:
            raise OptionError(f"metrics.{position}", f"{name} is not defined for {kind}; allowed: {listed(known)}")
        if name == "top5_accuracy" and count <= 5:
            raise OptionError(f"metrics.{position}", f"top5_accuracy needs more than 5 classes; the data have {count}")
        if name == "roc_auc" and count != 2:
            raise OptionError(f"metrics.{position}", f"roc_auc needs two classes; the data have {count}")


def _only_target(batch: Batch) -> Tensor:
    """Return the classes of a batch: of Batch.of's single target it is the field itself."""
    assert isinstance(batch.targets, Tensor)
    return batch.targets


def _all_targets(batches: Batches) -> Tensor:
    return torch.cat([_only_target(batch) for batch in batches.epoch(0)]).cpu()
