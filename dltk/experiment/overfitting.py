"""Overfitting on purpose: can the model learn a few batches by heart? If not, something in the experiment is broken."""

from __future__ import annotations

from dltk.config.sections import Sections
from dltk.data.splits import Splits, only_first

SUFFIX = "-overfit"


def for_overfitting(sections: Sections) -> Sections:
    """Return the sections of a run on a few batches: nothing is chosen or tested, and its name says what it is."""
    if sections.train.overfit_batches is None:
        return sections
    train = sections.train.model_copy(update={"select": "last", "test": False})
    name = f"{(sections.name or 'experiment').removesuffix(SUFFIX)}{SUFFIX}"
    return sections.model_copy(update={"name": name, "train": train, "early_stopping": None})


def few_batches(splits: Splits, sections: Sections, batch_size: int) -> Splits:
    """Return the splits as they are, or the first training samples alone where a run is to overfit them.

    Raises:
        OptionError: Samples of these data cannot be chosen.
    """
    count = sections.train.overfit_batches
    return splits if count is None else only_first(splits, count * batch_size)
