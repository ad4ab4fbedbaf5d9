"""Shapes: what one sample looks like between two layers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dltk.config.errors import OptionError


@dataclass(frozen=True)
class Shape:
    """The sizes of one sample, without the batch.

    Attributes:
        sizes: (D,) a vector, (T, D) a sequence, (C, H, W) an image.
        num_ids: How many ids there are where the values are ids (T,) or (), not numbers.
    """

    sizes: tuple[int, ...]
    num_ids: int | None = None

    def __str__(self) -> str:
        return f"ids {self.sizes}" if self.num_ids is not None else str(self.sizes)

    @property
    def rank(self) -> int:
        """How many axes a sample has."""
        return len(self.sizes)

    def require(self, layer: str, ranks: Collection[int]) -> None:
        """Refuse ids, and numbers of another rank.

        Raises:
            OptionError: The layer cannot take this shape; the message says what would help.
        """
        if self.num_ids is not None:
            raise OptionError(
                "", f"{layer} needs numbers; it receives {self}; put an embedding first", id="DLTK-CONFIG-SHAPE"
            )
        if self.rank not in ranks:
            words = " or ".join(_WORDS[rank] for rank in sorted(ranks))
            flatten = "; put flatten first" if 1 in ranks else ""
            raise OptionError("", f"{layer} needs {words}; it receives {self}{flatten}", id="DLTK-CONFIG-SHAPE")

    def require_numbers(self, option: str) -> None:
        """Refuse ids where numbers must leave a list of layers; raise OptionError at `option`."""
        if self.num_ids is not None:
            raise OptionError(option, f"must begin with an embedding: the data are {self}", id="DLTK-CONFIG-SHAPE")

    def require_outputs(self, num_outputs: int, option: str) -> None:
        """Refuse anything but one value per output; raise OptionError at `option`."""
        if self.num_ids is not None or self.sizes != (num_outputs,):
            raise OptionError(
                option,
                "must end with one value per class or number, one for two classes; head: auto adds such a layer",
                id="DLTK-CONFIG-SHAPE",
                found=str(self),
                allowed=f"({num_outputs},)",
            )


_WORDS = {1: "a vector (D,)", 2: "a sequence (T, D)", 3: "an image (C, H, W)"}
