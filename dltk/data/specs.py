"""What goes in and what is asked for: modalities, targets, and their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from dltk.data.batches import Batch
from dltk.data.fields import Field, Ragged

Device = torch.device | str


@dataclass(frozen=True)
class Image:
    """Pictures, float (B, channels, height, width) after preparation."""

    channels: int
    height: int
    width: int
    word: ClassVar[str] = "images"

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W)."""
        return (self.channels, self.height, self.width)


@dataclass(frozen=True)
class Column:
    """One column of a table: a number, or a category with its names; `size` is its width after encoding."""

    name: str
    categories: tuple[str, ...] | None = None
    size: int = 1


@dataclass(frozen=True)
class Table:
    """Rows of typed columns, float (B, size) after encoding."""

    columns: tuple[Column, ...]
    word: ClassVar[str] = "a table"

    @property
    def shape(self) -> tuple[int, ...]:
        """(size,), the widths of all columns together."""
        return (sum(column.size for column in self.columns),)


@dataclass(frozen=True)
class Vector:
    """Plain vectors, float (B, size), such as bags of words."""

    size: int
    word: ClassVar[str] = "vectors"

    @property
    def shape(self) -> tuple[int, ...]:
        """(size,)."""
        return (self.size,)


@dataclass(frozen=True)
class Bag:
    """Bags of weighted ids out of many, such as the words of a text: sparse vectors.

    Ragged float rows (total, 2) of id and weight, each id once per sample. float32 holds ids below 2^24 exactly.
    """

    size: int
    word: ClassVar[str] = "sparse bags"

    @property
    def shape(self) -> tuple[int, ...]:
        """(size,), of the vector that a bag stands for."""
        return (self.size,)


@dataclass(frozen=True)
class Tokens:
    """Sequences of token ids, int64 (B, length) or ragged; as a target, the sequence to produce."""

    vocabulary: tuple[str, ...]
    length: int | None = None
    word: ClassVar[str] = "token sequences"

    @property
    def shape(self) -> tuple[int, ...]:
        """(length,); 8 where sequences have no common length."""
        return (self.length or 8,)


@dataclass(frozen=True)
class Series:
    """Windows of a multivariate series, float (B, length, features)."""

    length: int
    features: tuple[str, ...]
    word: ClassVar[str] = "a series"

    @property
    def shape(self) -> tuple[int, ...]:
        """(length, features)."""
        return (self.length, len(self.features))


@dataclass(frozen=True)
class Ids:
    """Identities out of a known set, such as users or items, int64 (B,)."""

    count: int
    word: ClassVar[str] = "ids"

    @property
    def shape(self) -> tuple[int, ...]:
        """(), one id per sample."""
        return ()


@dataclass(frozen=True)
class Classes:
    """Which of some named classes: int64 (B,), or with `multi_label` float 0/1 (B, len(names))."""

    names: tuple[str, ...]
    multi_label: bool = False
    word: ClassVar[str] = "classes"

    @property
    def num_outputs(self) -> int:
        """One logit for two classes, else one per class."""
        return 1 if len(self.names) == 2 and not self.multi_label else len(self.names)


@dataclass(frozen=True)
class Numbers:
    """Real numbers, float (B, len(names)) in original units.

    Attributes:
        means: What a model's output 0 stands for, per name; fitted on the training split.
        scales: What a model's output 1 adds to the mean.
    """

    names: tuple[str, ...]
    units: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    word: ClassVar[str] = "numbers"

    @property
    def num_outputs(self) -> int:
        """One per name."""
        return len(self.names)

    @property
    def labels(self) -> list[str]:
        """The names with their units, such as "price [EUR]"."""
        units = self.units or ("",) * len(self.names)
        return [f"{name} [{unit}]" if unit else name for name, unit in zip(self.names, units, strict=True)]

    def scaled(self, numbers: Tensor) -> Tensor:
        """Turn numbers in original units (B, names) into what a model's outputs stand for."""
        means, scales = self._constants(numbers)
        return (numbers - means) / scales

    def unscaled(self, outputs: Tensor) -> Tensor:
        """Turn a model's outputs (B, names) into original units."""
        means, scales = self._constants(outputs)
        return outputs * scales + means

    def _constants(self, like: Tensor) -> tuple[Tensor, Tensor]:
        count = len(self.names)
        means, scales = self.means or (0.0,) * count, self.scales or (1.0,) * count
        return _constant(means, like.dtype, like.device), _constant(scales, like.dtype, like.device)


@dataclass(frozen=True)
class Boxes:
    """Objects in an image: a list of (k, 5) tensors x1, y1, x2, y2 in pixels and class."""

    names: tuple[str, ...]
    word: ClassVar[str] = "boxes"

    @property
    def num_outputs(self) -> int:
        """One per class."""
        return len(self.names)


@dataclass(frozen=True)
class Masks:
    """A class per pixel, int64 (B, H, W); `ignore` marks pixels without one."""

    names: tuple[str, ...]
    ignore: int | None = None
    word: ClassVar[str] = "masks"

    @property
    def num_outputs(self) -> int:
        """One per class."""
        return len(self.names)


@dataclass(frozen=True)
class Nothing:
    """No target: what is learned is in the inputs."""

    word: ClassVar[str] = "nothing"
    num_outputs: ClassVar[int] = 0


Modality = Image | Table | Vector | Bag | Tokens | Series | Ids
Target = Classes | Numbers | Boxes | Masks | Tokens | Nothing


@dataclass(frozen=True)
class Spec:
    """Names, kinds and sizes of everything a batch holds; sizes flow from here to the model."""

    inputs: Mapping[str, Modality]
    targets: Mapping[str, Target]

    @property
    def input(self) -> Modality:
        """The only input.

        Raises:
            ValueError: There are several.
        """
        if len(self.inputs) != 1:
            raise ValueError(f"the data have {len(self.inputs)} inputs ({', '.join(self.inputs)}), not one")
        return next(iter(self.inputs.values()))

    @property
    def target(self) -> Target:
        """The only target; Nothing when there is none.

        Raises:
            ValueError: There are several.
        """
        if len(self.targets) > 1:
            raise ValueError(f"the data have {len(self.targets)} targets ({', '.join(self.targets)}), not one")
        return next(iter(self.targets.values()), Nothing())

    def example(self, n: int, device: Device = "cpu") -> Batch:
        """Return a batch of `n` made-up samples on any device, meta too."""
        inputs = {name: _example_input(modality, n, device) for name, modality in self.inputs.items()}
        pixels = next((m.shape[1:] for m in self.inputs.values() if isinstance(m, Image)), (8, 8))
        targets = {
            name: _example_target(target, n, pixels, device)
            for name, target in self.targets.items()
            if not isinstance(target, Nothing)
        }
        return Batch.of(inputs, targets, n)


def _example_input(modality: Modality, n: int, device: Device) -> Field:
    if isinstance(modality, Bag):
        return Ragged(torch.zeros((n, 2), device=device), torch.arange(n + 1, device=device))
    dtype = torch.int64 if isinstance(modality, (Tokens, Ids)) else torch.float32
    return torch.zeros((n, *modality.shape), dtype=dtype, device=device)


def _example_target(target: Target, n: int, pixels: tuple[int, ...], device: Device) -> Field:
    if isinstance(target, Numbers) or (isinstance(target, Classes) and target.multi_label):
        return torch.zeros((n, len(target.names)), device=device)
    if isinstance(target, Boxes):
        return [torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.0]], device=device) for _ in range(n)]
    shape = target.shape if isinstance(target, Tokens) else pixels if isinstance(target, Masks) else ()
    return torch.zeros((n, *shape), dtype=torch.int64, device=device)


@cache
def _constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a tensor that is copied to a device once, not once per batch."""
    with torch.inference_mode(mode=False):
        return torch.tensor(values, dtype=dtype, device=device)
