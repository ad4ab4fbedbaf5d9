"""Splits: which samples train, which choose, which are scored once at the end. Only this file makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dltk.config.errors import OptionError
from dltk.config.sections import DataOptions
from dltk.config.seeds import derive
from dltk.data.batches import Batches, InMemory, Loading, OnDevice, in_order, shuffled
from dltk.data.samples import Preparation, Samples, Source
from dltk.data.specs import Spec

DEFAULT_BATCH_SIZE = 64
DEFAULT_VAL_FRACTION = 0.1
DEFAULT_TEST_FRACTION = 0.2
MIN_SAMPLES_TO_SPLIT = 50
EVALUATION_BATCH_SIZE = 512
EVALUATION_BATCHES = 8


@dataclass(frozen=True)
class Splits:
    """The samples of one run, ready to train on, to choose by and to be scored on.

    Attributes:
        train: In a new order each epoch.
        val: In order; None where there is no val split.
        test: In order; None where there is no test split.
        preparation: Fitted on the training samples only.
    """

    train: Batches
    val: Batches | None
    test: Batches | None
    preparation: Preparation

    def digests(self) -> dict[str, str]:
        """Return what stands for the samples of each split, by name; a stream has none."""
        named = {"train": self.train, "val": self.val, "test": self.test}
        found = {name: digest_of(batches) for name, batches in named.items() if batches is not None}
        return {name: digest for name, digest in found.items() if digest is not None}

    @property
    def spec(self) -> Spec:
        """Names, kinds and sizes of inputs and targets."""
        return self.preparation.spec


def split_parts(source: Source, options: DataOptions) -> tuple[dict[str, Any], DataOptions]:
    """Return the raw samples of train, val and test, and the options with every default decided.

    Raises:
        OptionError: A fraction does not fit the data.
    """
    parts = dict(source.parts)
    train = parts["train"]
    can_split = hasattr(train, "take") and hasattr(train, "__len__")
    _refuse_impossible(options, parts, can_split=can_split)
    large = can_split and len(train) >= MIN_SAMPLES_TO_SPLIT
    decided = {}
    for name, default in (("test", DEFAULT_TEST_FRACTION), ("val", DEFAULT_VAL_FRACTION)):
        fraction = getattr(options, f"{name}_fraction")
        if name in parts or (options.fold is not None and name == "val"):
            continue
        if fraction is None:
            kept_whole = name == "test" and "val" in source.parts
            fraction = default if large and not kept_whole else 0.0
        decided[f"{name}_fraction"] = fraction
        if fraction > 0:
            parts["train"], parts[name] = _set_aside(parts["train"], name, fraction, options.split_seed)
    if options.fold is not None:
        parts["train"], parts["val"] = _fold(parts["train"], options.fold, options.split_seed)
    return parts, options.model_copy(update={**decided, "batch_size": _batch_size(options, parts["train"])})


def make_splits(
    parts: dict[str, Any], preparation: Preparation, batch_size: int, seed: int, device: torch.device
) -> Splits:
    """Turn raw parts into batches: training samples in a seeded new order each epoch, the others as they stand."""
    evaluation = evaluation_loading(batch_size, device)
    train = parsed(preparation, parts["train"], Loading(batch_size, shuffled(seed), device))
    held = {name: parsed(preparation, parts[name], evaluation) if name in parts else None for name in ("val", "test")}
    return Splits(train, held["val"], held["test"], preparation)


def evaluation_loading(batch_size: int, device: torch.device) -> Loading:
    """Return how samples are scored: in order, more at once than in training, where gradients need memory too."""
    return Loading(min(EVALUATION_BATCH_SIZE, EVALUATION_BATCHES * batch_size), in_order, device)


def parsed(preparation: Preparation, samples: Any, loading: Loading) -> Batches:
    """Turn raw samples into batches that come on the device."""
    batches = preparation.parse(samples, loading)
    return batches if isinstance(batches, InMemory) else OnDevice(batches, loading.device)


def digest_of(batches: Batches) -> str | None:
    """Return what stands for every byte of the samples; None for a stream, which is not read to tell."""
    return batches.digest() if isinstance(batches, InMemory) else None


def _refuse_impossible(options: DataOptions, parts: dict[str, Any], *, can_split: bool) -> None:
    if options.fold is not None and ("val" in parts or options.val_fraction or not can_split):
        raise OptionError(
            "fold",
            "the fold is the val split: leave val_fraction out; data that bring one, and streams, cannot be folded",
        )
    for name in ("val", "test"):
        fraction = getattr(options, f"{name}_fraction")
        if fraction is None:
            continue
        if name in parts:
            raise OptionError(f"{name}_fraction", f"the data bring their own {name} split; leave {name}_fraction out")
        if fraction > 0 and not can_split:
            raise OptionError(
                f"{name}_fraction", "a stream has no known length and cannot be split; leave it out or set 0"
            )


def _batch_size(options: DataOptions, train: Any) -> int:
    num_samples = len(train) if hasattr(train, "__len__") else None
    if options.batch_size is None:
        return min(DEFAULT_BATCH_SIZE, num_samples or DEFAULT_BATCH_SIZE)
    if num_samples is not None and options.batch_size > num_samples:
        raise OptionError(
            "batch_size", f"must be at most the {num_samples} training samples; received {options.batch_size}"
        )
    return options.batch_size


def _set_aside(samples: Samples, name: str, fraction: float, split_seed: int) -> tuple[Samples, Samples]:
    """Return (rest, aside): every 1/fraction-th sample of a shuffled order that is sorted by label."""
    order = _balanced_order(samples, derive(split_seed, "split", name))
    position = torch.arange(len(order), dtype=torch.float64)
    chosen = torch.floor((position + 1) * fraction + 1e-9) > torch.floor(position * fraction + 1e-9)
    rest, aside = order[~chosen].sort().values, order[chosen].sort().values
    if len(rest) == 0 or len(aside) == 0:
        raise OptionError(f"{name}_fraction", f"{fraction} of {len(order)} samples leaves an empty split")
    return samples.take(rest), samples.take(aside)


def _fold(samples: Samples, fold: tuple[int, int], split_seed: int) -> tuple[Samples, Samples]:
    index, count = fold
    if not (2 <= count <= len(samples) and index < count):
        raise OptionError(
            "fold", f"[i, k] needs i < k and k from 2 to the {len(samples)} samples; received {list(fold)}"
        )
    order = _balanced_order(samples, derive(split_seed, "folds"))
    chosen = torch.arange(len(order)) % count == index
    return samples.take(order[~chosen].sort().values), samples.take(order[chosen].sort().values)


def _balanced_order(samples: Samples, seed: int) -> Tensor:
    """Shuffle; then, where samples have labels, bring equal ones together so that regular steps meet all alike."""
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))
    labels = samples.labels()
    if labels is None:
        return order
    codes = _codes(labels)
    return order[torch.argsort(codes[order], stable=True)]


def _codes(labels: Sequence[Any]) -> Tensor:
    """Number the labels by first appearance, which unlike a set's order is the same in every process."""
    numbers: dict[Any, int] = {}
    return torch.tensor([numbers.setdefault(label, len(numbers)) for label in labels], dtype=torch.int64)
