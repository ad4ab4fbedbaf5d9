"""What to write in a config for a user's own images, after a look at their headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import PIL.Image

from dltk.config.errors import count_of
from dltk.data.proposals import KeyPlace, Proposal

_LOOKED_AT = 200
_SIZES = (28, 32, 48, 64, 96, 128)
_PHOTOGRAPH = 64
_MANY, _SMALL = 20_000, 2_000


def proposed_images(options: Mapping[str, Any], files: Sequence[Path], found: str, certainty: float) -> Proposal:
    """Return a config for images with one class each.

    Args:
        options: What tells a data set where they are.
        files: The training images.
        found: What was found, one sentence.
        certainty: How surely the files are such images.
    """
    sides, modes = _looked_at(files)
    side = int(median(sides)) if sides else _PHOTOGRAPH
    size = next((size for size in _SIZES if side <= size * 1.2), _SIZES[-1])
    grey = bool(modes) and modes <= {"L", "1", "I;16", "LA"}
    data = {**options, "size": size, **({"channels": 1} if grey else {})}
    comments: dict[KeyPlace, str] = {("data", "size"): "in pixels"}
    if sides:
        comments["data", "size"] = f"shorter sides are {min(sides)} to {max(sides)} pixels, median {side}"
    if size > _PHOTOGRAPH:
        data["augment"] = ["horizontal_flip", "zoom"]
        comments["data", "augment"] = "leave the flip out where left and right matter"
    comments["model", "name"] = (
        "with pretrained weights (a download) far better on photographs: "
        "{name: torchvision, architecture: resnet18, pretrained: true}"
    )
    sections = {
        "data": data,
        "model": {"name": "resnet", "depth": 20} if len(files) > _MANY else {"name": "cnn"},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "schedule": {"name": "one_cycle"},
        "train": {"epochs": 30 if len(files) < _SMALL else 10},
    }
    kinds = "grey" if grey else "colour"
    return Proposal(sections, certainty, comments, [found, f"{count_of(len(files), f'{kinds} training image')}"])


def _looked_at(files: Sequence[Path]) -> tuple[list[int], set[str]]:
    """Return the shorter sides and the modes of some images, evenly chosen; what cannot be read is passed over."""
    sides, modes = [], set()
    for path in files[:: max(1, len(files) // _LOOKED_AT)]:
        try:
            with PIL.Image.open(path) as image:
                sides.append(min(image.size))
                modes.add(image.mode)
        except (OSError, ValueError, PIL.Image.DecompressionBombError):
            continue
    return sides, modes
