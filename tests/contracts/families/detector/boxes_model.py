"""A detector that finds at most one box in each cell of 4 x 4 pixels."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Boxes, Image, Modality, Spec

CELL = 4


class Config(Settings):
    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "detector"
    width: PositiveInt = 64
    """Hidden channels."""


class Grid(nn.Module):
    def __init__(self, channels: int, width: int, num_classes: int) -> None:
        super().__init__()
        hidden = nn.Conv2d(channels, width, CELL, CELL)
        self.layers = nn.Sequential(hidden, nn.ReLU(), nn.Conv2d(width, 5 + num_classes, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the boxes of each image: (k, 5) x1, y1, x2, y2 and class."""
        return [self.boxes(cells) for cells in self.layers(images).movedim(1, -1)]

    def boxes(self, cells: Tensor) -> Tensor:
        is_box = cells[..., 0] > 0
        corner = is_box.nonzero().flip(1).repeat(1, 2) * CELL
        classes = cells[is_box][:, 5:].argmax(1, keepdim=True)
        return torch.cat([corner + cells[is_box][:, 1:5] * CELL, classes], 1)

    def losses(self, images: Tensor, truth: list[Tensor]) -> Mapping[str, Tensor]:
        """Return named losses against the true boxes of each image."""
        cells, samples = self.layers(images).movedim(1, -1), range(len(truth))
        image = torch.cat([torch.full((len(truth[i]),), i) for i in samples])
        boxes = torch.cat(truth)
        x, y = (boxes[:, :2] // CELL).long().unbind(1)
        is_box = torch.zeros(cells.shape[:3]).index_put((image, y, x), torch.ones(len(boxes)))
        inside = (boxes[:, :4] - torch.stack([x, y, x, y], 1) * CELL) / CELL
        found, count = cells[image, y, x], max(len(boxes), 1)
        return {
            "is_box": F.binary_cross_entropy_with_logits(cells[..., 0], is_box),
            "place": F.l1_loss(found[:, 1:5], inside, reduction="sum") / count,
            "class": F.cross_entropy(found[:, 5:], boxes[:, 4].long(), reduction="sum") / count,
        }


def build(config: Config, spec: Spec, preparation: Preparation) -> nn.Module:
    assert isinstance(spec.input, Image)
    assert isinstance(spec.target, Boxes)
    return Grid(spec.input.channels, config.width, len(spec.target.names))
