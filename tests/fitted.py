"""Splits of samples on which nothing was fitted, but whose kinds are known, as baselines ask for them."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dltk.data.batches import Batches
from dltk.data.specs import Image, Modality, Spec, Tokens, Vector
from dltk.data.splits import Splits


@dataclass(frozen=True)
class Known:
    """A preparation that knows the kinds of inputs, and nothing else."""

    spec: Spec


def splits_of(train: Batches, test: Batches | None = None, val: Batches | None = None) -> Splits:
    """Return splits of samples with one input: vectors, images, or ids of tokens."""
    inputs = train.whole().inputs
    assert isinstance(inputs, Tensor)
    known: Any = Known(Spec({"x": _kind(inputs)}, {}))
    return Splits(train, val, test, known)


def _kind(inputs: Tensor) -> Modality:
    if inputs.dim() > 2:
        return Image(*inputs.shape[1:])
    return Vector(inputs.shape[1]) if inputs.is_floating_point() else Tokens(("a",), inputs.shape[1])
