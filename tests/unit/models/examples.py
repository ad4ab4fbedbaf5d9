"""Specs written by hand, and models built from plain options for them."""

from typing import Any

import torch
from torch import Tensor, nn

from dltk.config import registry
from dltk.data.batches import Batch
from dltk.data.fields import Field, Ragged, take
from dltk.data.specs import (
    Bag,
    Classes,
    Column,
    Ids,
    Image,
    Modality,
    Numbers,
    Series,
    Spec,
    Table,
    Target,
    Tokens,
    Vector,
)

TWO = Classes(("no", "yes"))
THREE = Classes(("a", "b", "c"))
LABELS = Classes(("red", "round"), multi_label=True)
NUMBERS = Numbers(("price", "area"), means=(10.0, -2.0), scales=(5.0, 0.5))
IMAGE = Image(1, 14, 12)
TABLE = Table((Column("age"), Column("port", ("C", "Q", "S"), size=3)))
VECTOR = Vector(5)
BAG = Bag(6)
TOKENS = Tokens(("<pad>", "a", "b", "c"), length=6)
SERIES = Series(7, ("x", "y"))
IDS = Ids(9)
NO_PREPARATION: Any = None


def one(modality: Modality, target: Target) -> Spec:
    """Return the spec of one input and one target."""
    return Spec({"input": modality}, {"label": target})


def made(name: str, spec: Spec, **options: Any) -> Any:
    """Return a model built from plain YAML options."""
    file = registry.load("models", name)
    model: nn.Module = file.build(file.Config.parse(options), spec, NO_PREPARATION)
    return model


def bags(x: Tensor) -> Ragged:
    """Return rows of (N, D) as sparse bags."""
    rows, ids = x.nonzero().T
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), torch.bincount(rows, minlength=len(x)).cumsum(0)])
    return Ragged(torch.stack([ids.float(), x[rows, ids]], dim=1), offsets)


def blocks(inputs: Field, targets: Tensor, size: int = 1000) -> list[Batch]:
    """Return samples as an estimator gets them, so many at a time."""
    parts = torch.split(torch.arange(len(targets)), size)
    return [Batch(take(inputs, part), targets[part], len(part)) for part in parts]
