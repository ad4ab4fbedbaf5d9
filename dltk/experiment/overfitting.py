"""Overfitting on purpose: can the model learn a few batches by heart? If not, something in the experiment is broken."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dltk.config.sections import Sections, TrainOptions
from dltk.data.splits import Splits, only_some
from dltk.training.loggers import number

SUFFIX = "-overfit"
MIN_UPDATES = 300
LEARNED = 0.1
"""What part of its first value the loss is to fall below."""


def for_overfitting(sections: Sections) -> Sections:
    """Return the sections of a run on a few batches: nothing is chosen or tested, and its name says what it is."""
    if sections.train.overfit_batches is None:
        return sections
    train = sections.train.model_copy(update={"select": "last", "test": False, "evaluate_every": "epoch"})
    name = f"{(sections.name or 'experiment').removesuffix(SUFFIX)}{SUFFIX}"
    return sections.model_copy(update={"name": name, "train": train, "early_stopping": None})


def few_samples(sizes: Mapping[str, int], sections: Sections, batch_size: int) -> Mapping[str, int]:
    """Return how many samples each split has, as `few_batches` makes them."""
    count = sections.train.overfit_batches
    return sizes if count is None or not sizes else {"train": min(count * batch_size, sizes["train"])}


def few_batches(splits: Splits, sections: Sections, batch_size: int) -> Splits:
    """Return the splits as they are, or some training samples alone where a run is to overfit them.

    Raises:
        OptionError: Samples of these data cannot be chosen.
    """
    count = sections.train.overfit_batches
    return splits if count is None else only_some(splits, count * batch_size, sections.seed)


def long_enough(train: TrainOptions, num_batches: int) -> TrainOptions:
    """Return how long to train on so many batches: as was asked, but for `MIN_UPDATES` updates at least."""
    per_epoch = math.ceil(num_batches / train.accumulate)
    epochs = math.ceil(MIN_UPDATES / per_epoch)
    asked = train.epochs if train.steps is None else train.steps / num_batches
    return train if asked is None or asked >= epochs else train.model_copy(update={"epochs": epochs, "steps": None})


def verdict(rows: Sequence[Mapping[str, Any]], num_batches: int | None) -> str:
    """Return whether the model can learn, by the loss in a run's record of evaluations; "" where that does not tell."""
    losses = [row["train/loss"] for row in rows if row.get("train/loss") is not None]
    if len(losses) < 2 or losses[0] <= 0:
        return ""
    course = (
        f"from {number(losses[0])} to {number(losses[-1])} on {num_batches} batch{'' if num_batches == 1 else 'es'}"
    )
    if losses[-1] < LEARNED * losses[0]:
        return f"the loss fell {course}: it can learn"
    return (
        f"the loss went {course} and not below a tenth: look at optimizer.lr, the data and the loss; dropout and label "
        "smoothing keep it up, too"
    )
