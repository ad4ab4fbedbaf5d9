"""Images of 16 x 16 pixels with none to three small or large boxes; one's own are rows of 0 and 1 in a text file."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from dltk.config.seeds import derive
from dltk.config.settings import PositiveInt, Settings
from dltk.data.batches import InMemory, Loading
from dltk.data.samples import Columns, Source, State
from dltk.data.specs import Boxes, Image, Spec

SIDE, CELL = 16, 4


class Config(Settings):
    num_images: PositiveInt = 320
    """How many there are."""


def describe(config: Config) -> Spec:
    return Spec({"image": Image(1, SIDE, SIDE)}, {"boxes": Boxes(("small", "large"))})


def read(config: Config) -> Source:
    generator = torch.Generator().manual_seed(derive(0, "boxes"))
    images, boxes = zip(*[draw(generator) for _ in range(config.num_images)], strict=True)
    return Source({"train": Columns({"image": list(images)}, {"boxes": list(boxes)})})


def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    image, boxes = torch.zeros(1, SIDE, SIDE), []
    count = int(torch.randint(4, (), generator=generator))
    for cell in torch.randperm((SIDE // CELL) ** 2, generator=generator)[:count].tolist():
        side = int(torch.randint(2, CELL + 1, (), generator=generator))
        x, y = cell % (SIDE // CELL) * CELL, cell // (SIDE // CELL) * CELL
        image[0, y : y + side, x : x + side] = 1
        boxes.append([x, y, x + side, y + side, side > CELL // 2])
    return image, torch.tensor(boxes, dtype=torch.float32).reshape(-1, 5)


class Pixels:
    spec = describe(Config())

    def open(self, inputs: Sequence[str]) -> Columns:
        rows = [Path(text).read_text().split() for text in inputs]
        images = [torch.tensor([[[float(pixel) for pixel in row] for row in image]]) for image in rows]
        return Columns({"image": images}, {}, [Path(text).name for text in inputs])

    def statuses(self, samples: Columns) -> list[str]:
        return ["ok" if image.shape == (1, SIDE, SIDE) else "invalid" for image in samples.inputs["image"]]

    def parse(self, samples: Columns, loading: Loading) -> InMemory:
        return InMemory({"image": torch.stack(samples.inputs["image"])}, samples.targets, loading)

    def state(self) -> State:
        return {}


def prepare(config: Config, train: Columns) -> Pixels:
    return Pixels()


def restore(config: Config, state: State) -> Pixels:
    return Pixels()
