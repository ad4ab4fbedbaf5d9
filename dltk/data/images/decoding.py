"""Image files as the rows of one tensor of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dltk.config.errors import DataError
from dltk.data.images.files import DECODER, Resize, decode_all
from dltk.data.images.scanning import unreadable_images
from dltk.data.specs import Image


@dataclass(frozen=True)
class ImageDecoder:
    """Image files of any size as pixels of one size, uint8 (C, H, W)."""

    image: Image
    resize: Resize

    @property
    def dtype(self) -> torch.dtype:
        """Bytes."""
        return torch.uint8

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W)."""
        return self.image.shape

    def facts(self) -> Mapping[str, Any]:
        """Return how files become pixels."""
        return {"images": list(self.shape), "resize": self.resize, "decoder": DECODER}

    def decode(self, paths: Sequence[str]) -> Sequence[Tensor | ValueError]:
        """Return the pixels of each file, or why it cannot be read."""
        return decode_all(paths, self.image, self.resize)

    def unreadable(self, broken: Mapping[str, str], num_files: int) -> DataError:
        """Return the error for files that cannot be read."""
        return unreadable_images(broken, num_files)
