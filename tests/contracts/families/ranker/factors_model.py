"""Matrix factorisation: a user likes an item as much as their vectors agree (Koren et al. 2009)."""

from typing import ClassVar

from torch import Tensor, nn

from dltk.config.settings import PositiveInt, Settings
from dltk.data.samples import Preparation
from dltk.data.specs import Ids, Modality, Spec


class Config(Settings):
    accepts: ClassVar[tuple[type[Modality], ...]] = (Ids,)
    role: ClassVar[str] = "ranker"
    factors: PositiveInt = 8
    """Size of the vectors."""


class Factors(nn.Module):
    def __init__(self, num_users: int, num_items: int, factors: int) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(num_users, factors), nn.Embedding(num_items, factors)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        """Return scores in the common shape of user and item."""
        scores: Tensor = (self.users(user) * self.items(item)).sum(-1)
        return scores


def build(config: Config, spec: Spec, preparation: Preparation) -> nn.Module:
    user, item = spec.inputs["user"], spec.inputs["item"]
    assert isinstance(user, Ids)
    assert isinstance(item, Ids)
    return Factors(user.count, item.count, config.factors)
