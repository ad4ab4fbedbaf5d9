"""One image; its pixels are the parameters."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from dltk.config.settings import Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Image, Modality, Spec


class Config(Settings):
    accepts: ClassVar[tuple[type[Modality], ...]] = (Image,)
    role: ClassVar[str] = "canvas"


class Canvas(nn.Module):
    def __init__(self, image: Image) -> None:
        super().__init__()
        self.image = nn.Parameter(torch.rand(1, *image.shape))

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Return the image (1, C, H, W), whatever the inputs."""
        return self.image


def build(config: Config, spec: Spec, preparation: Preparation) -> nn.Module:
    assert isinstance(spec.inputs["content"], Image)
    return Canvas(spec.inputs["content"])
