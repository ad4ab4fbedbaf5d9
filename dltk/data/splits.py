"""Splits: which samples train, which choose, which are scored once at the end. Only this file makes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from dltk.config.errors import OptionError
from dltk.config.sections import DataOptions
from dltk.config.seeds import derive
from dltk.data import portions
from dltk.data.augment.augmentation import Augmentation
from dltk.data.batches import Batches, InMemory, Loading
from dltk.data.moved import OnDevice
from dltk.data.plans import Plan, balanced, in_order, shuffled
from dltk.data.samples import Preparation, Samples, Source
from dltk.data.specs import Spec
from dltk.data.transfer import spelled

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
        train: In a new order each epoch, each sample once and as it is.
        val: In order; None where there is no val split.
        test: In order; None where there is no test split.
        preparation: Fitted on the training samples only.
        varied: The training samples as they are learned from, where that differs: augmented, or in another order.
    """

    train: Batches
    val: Batches | None
    test: Batches | None
    preparation: Preparation
    varied: Batches | None = None

    @property
    def lessons(self) -> Batches:
        """What training steps are made with; everything else looks at `train`."""
        return self.train if self.varied is None else self.varied

    def digests(self) -> dict[str, str]:
        """Return what stands for the samples of each split, by name; a stream has none."""
        named = {"train": self.train, "val": self.val, "test": self.test}
        found = {name: digest_of(batches) for name, batches in named.items() if batches is not None}
        return {name: digest for name, digest in found.items() if digest is not None}

    def lies(self) -> str:
        """Say where the samples of all splits are, and what they take; "" for a stream."""
        held = [batches for batches in (self.train, self.val, self.test) if isinstance(batches, InMemory)]
        total: dict[str, int] = {}
        for batches in held:
            total[batches.lies] = total.get(batches.lies, 0) + batches.num_bytes
        return ", ".join(f"{spelled(num_bytes)} {place}" for place, num_bytes in total.items())

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
            parts["train"], parts[name] = _set_aside(parts["train"], name, fraction, options)
    if options.fold is not None:
        parts["train"], parts["val"] = _fold(parts["train"], options.fold, options)
    if options.subset is not None:
        parts["train"] = _subset(parts["train"], options.subset, options)
    return parts, options.model_copy(update={**decided, "batch_size": _batch_size(options, parts["train"])})


def make_splits(
    parts: dict[str, Any],
    preparation: Preparation,
    batch_size: int,
    seed: int,
    device: torch.device,
    options: DataOptions | None = None,
) -> Splits:
    """Turn raw parts into batches: training samples in a seeded new order each epoch, the others as they stand.

    Args:
        parts: Raw samples by split.
        preparation: What was fitted.
        batch_size: Samples per step.
        seed: Of the run.
        device: Where the batches come.
        options: Their sampler and augmentation decide how training samples are varied; default not at all.

    Raises:
        OptionError: These data cannot be varied so.
    """
    evaluation = evaluation_loading(batch_size, device)
    train = parsed(preparation, parts["train"], Loading(batch_size, shuffled(seed), device))
    held = {name: parsed(preparation, parts[name], evaluation) if name in parts else None for name in ("val", "test")}
    varied = None if options is None else _varied(train, parts["train"], preparation.spec, seed, options)
    return Splits(train, held["val"], held["test"], preparation, varied)


def as_they_lie(splits: Splits) -> Splits:
    """Return splits whose training samples come as they lie, unless they are to be varied: files are read through.

    For a model that is fitted to all of them at once, which has no order.
    """
    train = splits.train
    if splits.varied is not None or not isinstance(train, InMemory):
        return splits
    return replace(splits, varied=train.loaded(replace(train.loading, plan=in_order)))


def only_some(splits: Splits, num_samples: int, seed: int) -> Splits:
    """Return so many training samples as they are, drawn by a seed, in a new order each epoch, without val and test.

    Raises:
        OptionError: Samples cannot be chosen from a stream.
    """
    size = splits.train.num_samples
    if size is None:
        raise OptionError(
            "",
            "samples of a stream cannot be drawn to overfit them; leave train.overfit_batches out",
            id="DLTK-CONFIG-CONFLICT",
        )
    train = splits.train.take(shuffled(seed)(0, size)[:num_samples])
    return Splits(train, None, None, splits.preparation)


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
            id="DLTK-CONFIG-CONFLICT",
        )
    for name in ("group", "group_pattern", "time", "subset"):
        if getattr(options, name) is not None and not can_split:
            raise OptionError(
                name, "a stream has no known length and cannot be split; leave it out", id="DLTK-CONFIG-CONFLICT"
            )
    for name in ("val", "test"):
        fraction = getattr(options, f"{name}_fraction")
        if fraction is None:
            continue
        if name in parts:
            raise OptionError(
                f"{name}_fraction",
                f"the data bring their own {name} split; leave {name}_fraction out",
                id="DLTK-CONFIG-CONFLICT",
            )
        if fraction > 0 and not can_split:
            raise OptionError(
                f"{name}_fraction",
                "a stream has no known length and cannot be split; leave it out or set 0",
                id="DLTK-CONFIG-CONFLICT",
            )


def _batch_size(options: DataOptions, train: Any) -> int:
    num_samples = len(train) if hasattr(train, "__len__") else None
    if options.batch_size is None:
        return min(DEFAULT_BATCH_SIZE, num_samples or DEFAULT_BATCH_SIZE)
    if num_samples is not None and options.batch_size > num_samples:
        raise OptionError(
            "batch_size",
            f"there are only {num_samples} training samples",
            id="DLTK-CONFIG-RANGE",
            found=str(options.batch_size),
            allowed=f"at most {num_samples}",
        )
    return options.batch_size


def _varied(train: Batches, samples: Any, spec: Spec, seed: int, options: DataOptions) -> Batches | None:
    """Return the training samples in the order and the variations that are asked for, or None where there are none."""
    if options.sampler == "shuffled" and not options.augment:
        return None
    if not isinstance(train, InMemory):
        option = "augment" if options.augment else "sampler"
        raise OptionError(
            option,
            "these data come as a stream, in its own order and as they are; leave it out",
            id="DLTK-CONFIG-CONFLICT",
        )
    plan = _plan(train, samples, seed, options)
    augment = Augmentation(options.augment, spec, seed) if options.augment else None
    one = train.take(torch.zeros(1, dtype=torch.int64)).loaded(Loading(1, in_order, train.loading.device, augment))
    next(one.epoch(0))  # tells at once whether images come as they have to
    return train.loaded(replace(train.loading, plan=plan, augment=augment))


def _plan(train: InMemory, samples: Any, seed: int, options: DataOptions) -> Plan:
    if options.sampler != "balanced":
        return train.loading.plan if options.sampler == "shuffled" else in_order
    labels = samples.labels()
    if labels is None or len(labels) != train.num_samples:
        raise OptionError(
            "sampler", "balanced needs samples of one class each, which these data have not", id="DLTK-CONFIG-MISFIT"
        )
    return balanced(seed, labels)


def _set_aside(samples: Samples, name: str, fraction: float, options: DataOptions) -> tuple[Samples, Samples]:
    """Return (rest, aside)."""
    chosen = portions.part(portions.kinship(samples, options), fraction, derive(options.split_seed, "split", name))
    if bool(chosen.all()) or not bool(chosen.any()):
        raise OptionError(
            f"{name}_fraction",
            f"{fraction} of {len(chosen)} samples leaves an empty split; groups stay whole, and every class keeps a "
            "sample to learn from",
            id="DLTK-CONFIG-RANGE",
        )
    return _apart(samples, chosen)


def _fold(samples: Samples, fold: tuple[int, int], options: DataOptions) -> tuple[Samples, Samples]:
    index, count = fold
    if options.time is not None:
        raise OptionError("fold", "some folds would be predicted from what came later; leave time out, or do not fold")
    if not (2 <= count <= len(samples) and index < count):
        raise OptionError(
            "fold",
            f"there is no such fold of {len(samples)} samples",
            id="DLTK-CONFIG-RANGE",
            found=str(list(fold)),
            allowed=f"[i, k] with i < k and k from 2 to {len(samples)}",
        )
    chosen = portions.fold(portions.kinship(samples, options), index, count, derive(options.split_seed, "folds"))
    if bool(chosen.all()) or not bool(chosen.any()):
        raise OptionError("fold", f"fold {index} of {count} is empty, or leaves nothing to train on")
    return _apart(samples, chosen)


def _subset(samples: Samples, wanted: float, options: DataOptions) -> Samples:
    kin = portions.kinship(samples, options)
    count = wanted if isinstance(wanted, int) else max(1, round(wanted * len(samples)))
    fewest = 1 if kin.classes is None else len(torch.unique(kin.classes))
    if not fewest <= count <= len(samples):
        classes = "" if kin.classes is None else f" of {fewest} classes"
        raise OptionError(
            "subset",
            f"there are {len(samples)} training samples{classes}",
            id="DLTK-CONFIG-RANGE",
            found=str(wanted),
            allowed=f"at least {fewest} and at most {len(samples)}",
        )
    return samples.take(portions.subset(kin, count, derive(options.split_seed, "subset")))


def _apart(samples: Samples, chosen: Tensor) -> tuple[Samples, Samples]:
    """Return the samples that are not chosen, and those that are, both in order."""
    return samples.take((~chosen).nonzero().flatten()), samples.take(chosen.nonzero().flatten())
