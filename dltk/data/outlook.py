"""What is known of data before they are read: kinds, sizes and splits, as far as headers tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from dltk.config.sections import DataOptions
from dltk.data.disk.choosing import reading_to
from dltk.data.disk.placing import place
from dltk.data.samples import Preparation, Source
from dltk.data.specs import Image, Series, Spec, Table
from dltk.data.splits import split_parts

_SIZED_BY_HEADERS = (Image, Series)


class NotFitted(AttributeError):
    """Something was asked of a preparation that only reading the data tells."""


class Unfitted:
    """A preparation of data that are not read: it knows the spec alone.

    Args:
        spec: What the headers tell.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __getattr__(self, name: str) -> Any:
        raise NotFitted(name)


@dataclass(frozen=True)
class Counted:
    """So many samples of which nothing else is known; they are split as real ones without classes are."""

    count: int

    @property
    def names(self) -> Sequence[str]:
        """None."""
        return ()

    def __len__(self) -> int:
        return self.count

    def take(self, indices: Tensor) -> Self:
        """Return so many samples."""
        return type(self)(len(indices))

    def labels(self) -> Sequence[Any] | None:
        """Return None: they are not read."""
        return None

    def columns(self) -> Mapping[str, Any]:
        """Return none."""
        return {}


@dataclass(frozen=True)
class Outlook:
    """What is known of the data of a run.

    Attributes:
        preparation: Fitted, or one that knows the spec alone.
        sizes: Samples of each split, as they will be; empty where only reading tells.
        options: With the defaults decided that sizes decide.
        official: Samples of each part as the data bring them.
        is_read: Whether the data were read for it.
        notes: What the data set said while it was read.
    """

    preparation: Preparation
    sizes: Mapping[str, int]
    options: DataOptions
    official: Mapping[str, int]
    is_read: bool = False
    notes: Sequence[str] = ()

    @property
    def is_exact(self) -> bool:
        """Whether every input has the size now that it will have: widths of tables and vocabularies are fitted."""
        return self.is_read or all(
            isinstance(kind, _SIZED_BY_HEADERS) for kind in self.preparation.spec.inputs.values()
        )


def needs_reading(spec: Spec) -> bool:
    """Return whether only fitting tells how wide the inputs are, and reading all takes little more than headers do.

    That is so of tables: their categories are in their rows.
    """
    return any(isinstance(kind, Table) for kind in spec.inputs.values())


def sizes_unknown(options: DataOptions, spec: Spec, official: Mapping[str, int] | None = None) -> Outlook:
    """Return what the spec alone tells."""
    unfitted: Any = Unfitted(spec)
    return Outlook(unfitted, {}, options, official or {})


def outlook(file: Any, config: Any, options: DataOptions, spec: Spec) -> Outlook:
    """Return what headers tell.

    Args:
        file: The data set's.
        config: Its own options.
        options: Those that all data sets share.
        spec: What `describe` returned.

    Raises:
        OptionError: An option of splitting does not fit the sizes.
    """
    if not hasattr(file, "count"):
        return sizes_unknown(options, spec)
    with reading_to(options.storage):
        official = file.count(config)
    if any(each is not None for each in (options.group, options.group_pattern, options.time)):  # it is in the data
        return sizes_unknown(options, spec, official)
    parts, decided = split_parts(Source({part: Counted(count) for part, count in official.items()}), options)
    unfitted: Any = Unfitted(spec)
    return Outlook(unfitted, _sizes(parts), decided, official)


def outlook_by_reading(file: Any, config: Any, options: DataOptions) -> Outlook:
    """Read the data and fit a preparation, as a run does; raise as that does."""
    with reading_to(options.storage):
        source: Source = file.read(config)
    if not source.decoders:  # else placing may write to disk, which is for runs
        source, options = place(source, options)
    parts, decided = split_parts(source, options)
    preparation: Preparation = file.prepare(config, parts["train"])
    return Outlook(preparation, _sizes(parts), decided, _sizes(source.parts), is_read=True, notes=source.notes)


def _sizes(parts: Mapping[str, Any]) -> dict[str, int]:
    """Return how many samples each part has; none at all where one is a stream."""
    return {part: len(samples) for part, samples in parts.items()} if all(map(_has_length, parts.values())) else {}


def _has_length(samples: Any) -> bool:
    return hasattr(samples, "__len__")
