"""A model's weights as a tree that can be stored, whether they were learned by gradient or in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dltk.config.errors import IntegrityError
from dltk.nn.roles import Estimator
from dltk.training.saving.trees import tensors_in

FEW = 2**17
"""Numbers that are looked at together, in a copy."""


def weights_of(model: nn.Module) -> Mapping[str, Any]:
    """Return what a model has learned: an estimator's state, else parameters and buffers; not copied."""
    return model.state() if isinstance(model, Estimator) else dict(model.state_dict())


def set_weights(model: nn.Module, weights: Mapping[str, Any]) -> None:
    """Give a model what `weights_of` returned.

    Raises:
        IntegrityError: Names or shapes are not the model's.
    """
    if isinstance(model, Estimator):
        model.restore(weights)
        return
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise IntegrityError("the stored weights are not those of this model", found=reason) from None


def broken_tensor(model: nn.Module, state: Mapping[str, Any]) -> str | None:
    """Return which weight, or which tensor of a learner's state, is the first that is not finite, or None.

    A model's buffers may hold infinities, as masks do, but no NaN. Synchronises with the device.
    """
    if not isinstance(model, Estimator) and _are_finite([*model.parameters(), *model.buffers(), *_leaves(state)]):
        return None
    learned = {f"the weight {name}" for name, _ in model.named_parameters(remove_duplicate=False)}
    weights = [(f"the weight {name}", tensor) for name, tensor in tensors_in(weights_of(model))]
    sums = [(f"the learner's {name}", tensor) for name, tensor in tensors_in(state)]
    must_be_finite = learned | {name for name, _ in sums}
    tensors = {name: tensor.detach() for name, tensor in [*weights, *sums] if tensor.is_floating_point()}
    if not tensors:
        return None
    flags = [
        (tensor.isfinite() if name in must_be_finite else ~tensor.isnan()).all() for name, tensor in tensors.items()
    ]
    whole = torch.stack([flag.to(flags[-1].device) for flag in flags]).tolist()
    return next((name for name, is_whole in zip(tensors, whole, strict=True) if not is_whole), None)


def _are_finite(tensors: Sequence[Tensor]) -> bool:
    """Return whether few numbers are all finite, by looking at all of them at once; False where they may not be."""
    if sum(map(Tensor.numel, tensors)) > FEW or any(tensor.is_cuda for tensor in tensors):
        return False
    kinds = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    flat = (torch.cat([each.detach().reshape(-1) for each in tensors if each.dtype == kind]) for kind in kinds)
    return all(math.isfinite((numbers * 0).sum().item()) for numbers in flat)  # 0 * inf and 0 * NaN are NaN


def _leaves(tree: Any) -> Iterator[Tensor]:
    """Yield the tensors of a tree, without the paths that cost more."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _leaves(item)
    elif isinstance(tree, (Mapping, list, tuple)):
        for _, tensor in tensors_in(tree):
            yield tensor
