"""What the loop asks of a task; the files in `tasks/` implement it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from torch import nn

from dltk.config.settings import Settings
from dltk.data.batches import Batch, Batches
from dltk.data.fields import Fields
from dltk.data.samples import Preparation
from dltk.data.specs import Spec, Target
from dltk.data.splits import Splits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dltk.training.learner import Learner
    from dltk.training.optimization import OptimizationSettings
    from dltk.training.session import Session

Direction = Literal["min", "max"]
Answer = Sequence[Mapping[str, Any]]
"""The rows that answer one input; values are text, numbers, lists, or image tensors (C, H, W) in 0..1."""


@dataclass(frozen=True)
class Needs:
    """What a task needs of data and model.

    Attributes:
        targets: Kinds of target it learns; empty: any, they are not used.
        roles: Roles of model it trains.
    """

    targets: tuple[type[Target], ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """The result of one pass over a split.

    Attributes:
        scores: By name, e.g. {"accuracy": 0.98}; NaN where undefined.
        num_samples: How many samples were scored.
        protocol: How the scores are defined, for people; one line each.
        columns: Per-sample results for pictures, tables and error analysis, on the CPU.
        per_class: One row per class, in order, where a score per class says more.
    """

    scores: Mapping[str, float]
    num_samples: int
    protocol: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    per_class: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Request:
    """What the user wants beside, or instead of, answers to inputs.

    Attributes:
        count: That many new samples, without inputs.
        steps: That many steps past the end.
        top: That many best answers per input.
        seed: For whatever is drawn.
    """

    count: int | None = None
    steps: int | None = None
    top: int | None = None
    seed: int = 0


class CannotAnswer(ValueError):
    """The task has no answer to such a request; the message says what it can answer."""


class Task(Protocol):
    """What is learned, how it is scored, what it answers. Device, precision and checkpoints are never its business.

    A task whose options have defaults that follow from the data shows the decided ones as `config`.
    """

    @property
    def scores(self) -> Mapping[str, Direction]:
        """Score names and whether small or large is good; the first is the main one. May be empty."""

    def learner(self, model: nn.Module, settings: OptimizationSettings, session: Session) -> Learner:
        """Return what moves the model's parameters."""

    def evaluate(self, model: nn.Module, batches: Batches) -> Evaluation:
        """Score a split in one forward pass; the model is in eval mode and no gradients are kept."""

    def answer(self, model: nn.Module, batches: Batches | None, request: Request) -> Iterable[Answer]:
        """Answer every input in order, or (`batches` is None) the request alone; raise CannotAnswer."""

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Figure]:
        """Draw what a practitioner expects to see of an evaluation."""

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        """Score the family's trivial answers (majority, mean) on the reported split: test, else val, else train."""


@runtime_checkable
class Fittable(Protocol):
    """A task some of whose options follow from the training samples, such as weights of classes."""

    def fitted(self, train: Batches) -> Task:
        """Return the task with them decided; raise OptionError where its options do not go with these samples."""


@runtime_checkable
class Mixable(Protocol):
    """A task for classes whose training samples may be mixed (mixup, cutmix)."""

    @property
    def learns_shares(self) -> bool:
        """Whether its loss takes targets that are float shares of all classes, (B, K), instead of one class each."""


@runtime_checkable
class Comparing(Protocol):
    """A task that names its baselines before it scores them."""

    def baseline_names(self, spec: Spec, num_samples: int | None) -> Sequence[str]:
        """Return the names that `baselines` will return.

        Args:
            spec: Of the data.
            num_samples: Of the training split; None where only reading tells.
        """


@runtime_checkable
class Rehearsing(Protocol):
    """A task whose training step is not a pass over a batch's inputs."""

    def rehearse(self, model: nn.Module, batch: Batch) -> None:
        """Make the forward passes of one training step, for who watches the layers; computes nothing on meta."""


@runtime_checkable
class Portable(Protocol):
    """A task whose models are not exported as functions of their inputs."""

    def portable(self, model: nn.Module, batch: Batch) -> tuple[nn.Module, Fields]:
        """Return what to export of a model, and some inputs by name; a single one is not fed as a keyword."""


class TaskConfig(Settings):
    """What a task file's Config has beside its options."""

    needs: ClassVar[Needs]
    is_default: ClassVar[bool] = False
    """Whether this is the task, when none is written, of data and models that fit it."""
    optimizers: ClassVar[tuple[str, ...]] = ()
    """Names of its parameter sets where it has several, e.g. generator and discriminator."""
    example_request: ClassVar[str] = ""
    """What `dltk predict RUN` is given where no input is needed, e.g. "--count 16"."""


class TaskFile(Protocol):
    """A task file: its module is used through these names."""

    Config: type[Any]

    def build(self, config: Any, spec: Spec, preparation: Preparation) -> Task:
        """Return the task for these data."""


class ModelFile(Protocol):
    """A model file: its module is used through these names. Config has `accepts` (modalities) and `role`."""

    Config: type[Any]

    def build(self, config: Any, spec: Spec, preparation: Preparation) -> nn.Module:
        """Return the model with sizes taken from the spec; raise OptionError where they do not fit."""
