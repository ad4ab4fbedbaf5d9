"""The sections of a config that are the same for every experiment."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dltk.config.settings import FiniteFloat, Fraction, PositiveFloat, PositiveInt, Settings

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(ge=0, le=10**9)]
PathText = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]


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


class ModelOptions(Settings):
    """Options that every model shares, beside its own."""

    parameters: dict[str, Any] | None = None
    """Values to start from, by parameter name, as nested lists; `dltk show RUN` lists names and shapes."""


class TrainOptions(Settings):
    """How long and where to train."""

    epochs: Count | None = None
    """Passes over the training samples; 0 only evaluates the initial weights. Default, unless `steps` is given: 10, or
    as many more as it takes to see 1000 batches."""
    steps: Count | None = None
    """Batches in all, instead of `epochs`."""
    evaluate_every: Literal["epoch"] | PositiveInt = "epoch"
    """Evaluate on the val split after each epoch, or after every N steps."""
    select: Literal["best", "last"] | None = None
    """Which weights are tested and used; default best where there is a val split, else last."""
    test: bool = True
    """Score the test split once, at the end."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto is CUDA when there is one."""
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
    """What TensorBoard shows."""

    scalars: bool = True
    """Losses, scores and the learning rate."""
    pictures: bool = True
    """The task's pictures after the last evaluation, and sample inputs."""


class Sections(Settings):
    """A whole experiment; component sections stay plain until their components are known."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)] | None = None
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
    tensorboard: TensorboardOptions = TensorboardOptions()
    """What TensorBoard shows."""
