"""Initial weights of dense and convolutional layers by their usual names."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.initializers import (
    InitializerOption,
    NormalInitializer,
    OrthogonalInitializer,
    UniformInitializer,
    with_options,
)
from dltk.nn.affine import Affine

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def initialize(model: nn.Module, option: InitializerOption) -> None:
    """Draw the weights of all dense and convolutional layers anew, and set their biases to 0.

    `normal` and `uniform` draw embeddings anew, too. Other layers keep what they have.

    Raises:
        OptionError: There is no such layer.
    """
    chosen = with_options(option)
    draw = _drawing(chosen)
    draws_embeddings = isinstance(chosen, (NormalInitializer, UniformInitializer))
    weights = [
        weight
        for module in model.modules()
        for weight in _weights(module)
        if draws_embeddings or not isinstance(module, nn.Embedding)
    ]
    if not weights:
        raise OptionError("initializer", f"this model has no layer that {chosen.name} could initialise")
    with torch.no_grad():
        for weight in weights:
            draw(weight)
        for module in model.modules():
            bias = getattr(module, "bias", None)
            if _weights(module) and isinstance(bias, Tensor):
                bias.zero_()


def _weights(module: nn.Module) -> list[Tensor]:
    """Return the weight of a layer that can be initialised, its outputs first; none of another layer."""
    if isinstance(module, _TRANSPOSED):
        return [module.weight.transpose(0, 1)]
    is_known = isinstance(module, (nn.Linear, Affine, nn.Embedding, *_CONVOLUTIONS))
    return [module.weight] if is_known and isinstance(module.weight, Tensor) else []


def _drawing(option: InitializerOption) -> Callable[[Tensor], Tensor]:
    """Return what draws a weight in place."""
    if isinstance(option, NormalInitializer):
        return partial(nn.init.normal_, mean=option.mean, std=option.deviation)
    if isinstance(option, UniformInitializer):
        return partial(nn.init.uniform_, a=-option.limit, b=option.limit)
    if isinstance(option, OrthogonalInitializer):
        return partial(nn.init.orthogonal_, gain=option.gain)
    return _BY_NAME[with_options(option).name]


def _lecun_normal(weight: Tensor) -> Tensor:
    """LeCun et al. 1998, section 4.6: deviation 1 / root of the inputs."""
    return nn.init.normal_(weight, std=1 / math.sqrt(weight[0].numel()))


_BY_NAME: dict[str, Callable[[Tensor], Tensor]] = {
    "glorot_uniform": nn.init.xavier_uniform_,
    "glorot_normal": nn.init.xavier_normal_,
    "he_uniform": partial(nn.init.kaiming_uniform_, nonlinearity="relu"),
    "he_normal": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
    "lecun_normal": _lecun_normal,
    "zeros": nn.init.zeros_,
}
"""Glorot & Bengio 2010, eq. 16; He et al. 2015, eq. 10. Normal ones are not truncated."""
