"""The sections of a config that are the same for every experiment."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.config import JsonDict

from dltk.config.augmentation import Part, Transform
from dltk.config.initializers import InitializerOption
from dltk.config.names import MAX_LENGTH, PATTERN
from dltk.config.settings import FiniteFloat, Fraction, PositiveFloat, PositiveInt, Settings

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(ge=0, le=10**9)]
PathText = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]
_NAME_FORM: JsonDict = {"x-form": "up to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit"}
Precision = Literal["auto", "fp32", "bf16", "fp16", "tf32"]


class DataOptions(Settings):
    """Options that every data set shares, beside its own."""

    batch_size: PositiveInt | None = None
    """Samples per step; default 64, fewer when the training split is smaller."""
    val_fraction: Fraction | None = None
    """Part of the training samples kept aside to choose by; default 0.1 from 50 on, unless data bring one."""
    test_fraction: Fraction | None = None
    """Part kept aside to be scored once, at the end; default 0.2 from 50 on, unless data bring one or a val split."""
    fold: tuple[Count, PositiveInt] | None = None
    """[i, k]: fold i, from 0, of k is the val split, the others train; `dltk cv` runs them all.
    The test split stays aside: write test_fraction: 0 to fold every sample."""
    split_seed: Seed = 0
    """Decides which samples are kept aside; separate from `seed`, so that several seeds share one split."""
    stratify: Literal["auto", "off"] = "auto"
    """auto: every split has the classes in equal shares, where there are classes; off: samples are drawn regardless."""
    group: Annotated[str, Field(min_length=1)] | None = None
    """A column whose equal values, such as those of one patient, stay in one split."""
    group_pattern: Annotated[str, Field(min_length=1)] | None = None
    """The same by what samples are called (file names): a regular expression; what its first (...) matches is equal."""
    time: Annotated[str, Field(min_length=1)] | None = None
    """A column of dates or numbers that says when a row is from: nothing is drawn; the latest rows are the test split,
    those before them the val split, and rows of one moment stay together."""
    subset: PositiveInt | Part | None = None
    """Train on so many, or this part, of the training samples, classes in equal shares; a larger one holds a smaller
    one."""
    sampler: Literal["shuffled", "balanced", "in_order"] = "shuffled"
    """The order of an epoch: each sample once, in a new order or always the same, or balanced: as many samples, every
    class equally often; rare ones are repeated."""
    storage: Literal["auto", "memory", "disk"] = "auto"
    """Where decoded image files, tables and texts lie: auto is memory where they take at most half of what is
    available, else files in dltk's cache that are written once. The bits of a run do not depend on it."""
    augment: tuple[Transform, ...] = ()
    """How training images are varied at random, in this order: names, or mappings with name and options; `dltk list
    transforms`."""


class ModelOptions(Settings):
    """Options that every model shares, beside its own."""

    initializer: InitializerOption | None = None
    """How weights of dense and convolutional layers are drawn (biases are 0); default each layer's own way."""
    weights: PathText | None = None
    """Weights to start from: a run, a checkpoint inside one, or a .safetensors file. Those whose names and shapes agree
    are taken; a run keeps all its weights itself, so that this is needed no more once it has begun."""
    parameters: dict[str, Any] | None = None
    """Values to start from, by parameter name, as nested lists; `dltk show RUN` lists names and shapes."""
    freeze: Literal["backbone"] | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """What does not learn: `backbone`, everything but the head, or globs over parameter names such as [conv1.*]."""


class TrainOptions(Settings):
    """How long and where to train."""

    epochs: Count | None = None
    """Passes over the training samples; 0 only evaluates the initial weights. Default, unless `steps` is given: 10, or
    as many more as it takes to see 1000 batches."""
    steps: Count | None = None
    """Batches in all, instead of `epochs`."""
    evaluate_every: Literal["epoch"] | PositiveInt = "epoch"
    """Evaluate on the val split after each epoch, or after every N steps."""
    accumulate: PositiveInt = 1
    """Batches that make one update, their gradients weighted by samples; the last update of an epoch takes what is
    left."""
    precision: Precision = "auto"
    """What the forward pass of training computes in; auto is fp32. bf16 and fp16 are automatic mixed precision, tf32
    needs CUDA; evaluation is in fp32."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Evaluate and save an exponential moving average of the weights with this decay, such as 0.999; off by default."""
    overfit_batches: PositiveInt | None = None
    """Learn only N batches by heart, for at least 300 updates, without val, test and augmentation: a model
    that cannot is broken."""
    select: Literal["best", "last"] | None = None
    """Which weights are tested and used; default best where there is a val split, else last."""
    test: bool = True
    """Score the test split once, at the end."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto is CUDA when there is one."""
    deterministic: bool = False
    """On CUDA: only kernels that give the same bits twice, which are slower; where there is none for an operation, that
    is an error. The CPU always gives the same bits."""
    kernels: Literal["auto", "usual"] = "auto"
    """What multiplies matrices, attends and pools on the CPU; auto takes other kernels than torch where a rule over
    processor and model says that they are faster and as exact. Recorded, and kept on resume."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Whether each training step is compiled as a whole, on the CPU; auto does so for tiny networks that train so long
    that it pays. Recorded, and kept on resume. Where steps are not compiled, passes of small networks are replayed,
    to the same bits, unless this is off."""
    threads: Literal["auto"] | PositiveInt = "auto"
    """CPU threads; auto is one per core this process may use. Recorded, and kept on resume."""


class EarlyStopping(Settings):
    """Stop when the val score no longer improves."""

    monitor: str | None = None
    """The score to watch, such as val/accuracy; default the task's first."""
    patience: PositiveInt = 5
    """Evaluations without improvement before stopping."""
    min_delta: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    """The smallest change that counts as improvement."""


class CheckpointOptions(Settings):
    """When the state of a run is saved; it always is at the end and on a signal."""

    every_seconds: PositiveFloat = 30.0
    """Save at the first step after so many seconds."""
    every_steps: PositiveInt | None = None
    """Save after every N steps, too."""
    keep: Annotated[int, Field(ge=2, le=1000)] = 2
    """How many resumable checkpoints stay, beside the best."""


class TensorboardOptions(Settings):
    """What TensorBoard shows; `tensorboard: null` shows nothing at all."""

    scalars: bool = True
    """Losses, scores and the learning rate, after every evaluation."""
    images: bool = True
    """Sample inputs as the model sees them, where they are images; also in the run's pictures/."""
    pictures: bool = True
    """The task's pictures, such as a confusion matrix, at the end; also in the run's pictures/."""
    pr_curves: bool = True
    """Precision over recall of each class on the reported split, at the end."""
    hparams: bool = True
    """Every option and the final scores, so that runs compare in the tab HPARAMS."""
    text: bool = True
    """The whole config, and the final scores with their definition."""
    histograms: bool = False
    """Every parameter, and its gradient on one batch, after every evaluation."""
    graph: bool = False
    """The model's operations with their shapes."""
    embeddings: bool = False
    """What the last layer sees of each val sample, with labels and images, at the end; for the tab PROJECTOR."""


class Sections(Settings):
    """A whole experiment; component sections stay plain until their components are known."""

    name: Annotated[str, Field(pattern=PATTERN, max_length=MAX_LENGTH, json_schema_extra=_NAME_FORM)] | None = None
    """Names the run directory; default the config file's name."""
    seed: Seed = 0
    """Decides initial weights, order and every other random choice."""
    data: dict[str, Any]
    """Which data set, and how it is split and batched."""
    model: dict[str, Any]
    """Which model."""
    task: dict[str, Any] | None = None
    """What is learned; follows from data and model when left out."""
    optimizer: dict[str, Any] | None = None
    """How parameters move; default adam."""
    schedule: dict[str, Any] | None = None
    """How the learning rate changes; default constant."""
    train: TrainOptions = TrainOptions()
    """How long and where to train."""
    early_stopping: EarlyStopping | None = None
    """Stop when the val score no longer improves; off when left out."""
    checkpoint: CheckpointOptions = CheckpointOptions()
    """When the state of a run is saved."""
    tensorboard: TensorboardOptions | None = TensorboardOptions()
    """What TensorBoard shows; null: nothing."""
