"""Two vectors per word: one for the word, one for being its neighbour (Mikolov et al. 2013)."""

from typing import ClassVar

from torch import Tensor, nn

from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Ids, Modality, Spec


class Config(Settings):
    accepts: ClassVar[tuple[type[Modality], ...]] = (Ids,)
    role: ClassVar[str] = "embedding"
    size: PositiveInt = 4
    """Numbers per vector."""


class Vectors(nn.Module):
    def __init__(self, num_words: int, size: int) -> None:
        super().__init__()
        self.words, self.neighbours = nn.Embedding(num_words, size), nn.Embedding(num_words, size)

    def forward(self, word: Tensor, neighbour: Tensor) -> Tensor:
        """Return how well word and neighbour go together, in their common shape."""
        fit: Tensor = (self.words(word) * self.neighbours(neighbour)).sum(-1)
        return fit


def build(config: Config, spec: Spec, preparation: Preparation) -> nn.Module:
    word = spec.inputs["word"]
    assert isinstance(word, Ids)
    return Vectors(word.count, config.size)
