"""What keeps steps from being compiled, as far as settings and layers tell."""

from __future__ import annotations

from torch import nn

from dltk.training.compiled.rules import rule_of
from dltk.training.optimization import OptimizationSettings

_DRAWING = (nn.modules.dropout._DropoutNd,)
_COUNTING = (nn.modules.batchnorm._NormBase,)
_LARGE = (nn.modules.conv._ConvNd, nn.RNNBase, nn.MultiheadAttention)


class CannotCompile(Exception):
    """A step cannot be compiled, here or at all; says why."""


def obstacle(settings: OptimizationSettings, num_processes: int) -> str:
    """Return why no steps with such settings are compiled; "" where nothing speaks against it."""
    if num_processes > 1:
        return "several processes share every batch"
    if settings.precision not in {"auto", "fp32"}:
        return f"precision {settings.precision} is not that of compiled steps, which is fp32"
    if settings.batches_per_update != 1:
        return "an update here sees several batches"
    if settings.ema is not None:
        return "an average of the weights is kept after every step"
    if rule_of(settings.optimizer()) is None:
        name = settings.optimizer().name
        return (
            f"optimizer {name} with these options is not compiled; adam, adamw, rmsprop and sgd are, without amsgrad, "
            "groups, clipping, l1 and l2"
        )
    return ""


def obstacle_in(model: nn.Module) -> str:
    """Return which layer draws at random or changes while it computes; "" where none does, as far as is known."""
    for name, module in model.named_modules():
        if isinstance(module, _DRAWING) and module.p > 0:
            return f"the layer {name} draws at random"
        if isinstance(module, _COUNTING) and module.track_running_stats:
            return f"the layer {name} keeps statistics of every step"
    return ""


def is_tiny(model: nn.Module, batch_size: int, most_work: int) -> bool:
    """Return whether a step takes longer to call than to compute: few parameters, each used once for a sample."""
    work = batch_size * sum(each.numel() for each in model.parameters())
    return work <= most_work and not any(isinstance(module, _LARGE) for module in model.modules())
