"""What a model of each role gives, so that contracts can ask it of any model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch
from dltk.data.fields import Field, Ragged
from dltk.data.specs import Bag, Classes, Ids, Numbers, Spec, Target, Tokens
from dltk.nn.feeding import feed

Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Role:
    """How models of a role are tried.

    Attributes:
        targets: Kinds of target they can learn; empty: targets are not used.
        outputs: (model, batch) -> everything it gives, by name.
        shapes: (spec, n) -> what shapes these have for n samples; None: what the model says.
        scored: The module that is called once per batch to score it.
    """

    targets: tuple[type[Target], ...]
    outputs: Callable[[Any, Batch], Outputs]
    shapes: Callable[[Spec, int], dict[str, tuple[int, ...]]]
    scored: Callable[[Any], nn.Module]


def predictions(model: Any, batch: Batch) -> Outputs:
    outputs = feed(model, batch.inputs)
    return dict(outputs) if isinstance(outputs, Mapping) else {"output": outputs}


def prediction_shapes(spec: Spec, n: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {name: (n, width_of(target)) for name, target in spec.targets.items()}
    return shapes if len(shapes) > 1 else {"output": next(iter(shapes.values()))}


def width_of(target: Target) -> int:
    """Return how many numbers a prediction has: one for two classes, else one per class or number."""
    assert isinstance(target, (Classes, Numbers))
    is_yes_or_no = isinstance(target, Classes) and not target.multi_label and len(target.names) == 2
    return 1 if is_yes_or_no else len(target.names)


def both_networks(model: Any, batch: Batch) -> Outputs:
    assert isinstance(batch.inputs, Tensor)
    noise = torch.linspace(-1, 1, batch.num_samples * model.latent_size, device=batch.inputs.device)
    generated = model.generator(noise.view(batch.num_samples, model.latent_size))
    return {"generated": generated, "verdict": model.discriminator(batch.inputs + generated)}


def network_shapes(spec: Spec, n: int) -> dict[str, tuple[int, ...]]:
    return {"generated": (n, *spec.input.shape), "verdict": (n,)}


def itself(model: nn.Module) -> nn.Module:
    return model


def generator(model: Any) -> nn.Module:
    module: nn.Module = model.generator
    return module


ROLES = {
    "predictor": Role((Classes, Numbers), predictions, prediction_shapes, itself),
    "estimator": Role((Classes, Numbers), predictions, prediction_shapes, itself),
    "adversary": Role((), both_networks, network_shapes, generator),
}
"""By the name in `Config.role`; a new role gets an entry here."""


def random_batch(spec: Spec, n: int, seed: int = 3) -> Batch:
    """Return random numbers, ids, classes and labels of the spec, the same ones each time for a seed."""
    generator = torch.Generator().manual_seed(seed)
    example = spec.example(n)

    def like(field: Any, kind: Any) -> Field:
        if isinstance(kind, Bag):
            offsets = 2 * torch.arange(n + 1)  # two ids per sample
            ids = torch.rand(n, kind.size, generator=generator).argsort(1)[:, :2].float()
            return Ragged(torch.stack([ids.flatten(), torch.rand(2 * n, generator=generator)], dim=1), offsets)
        if isinstance(kind, Tokens):
            return torch.randint(len(kind.vocabulary), field.shape, generator=generator)
        if isinstance(kind, Ids):
            return torch.randint(kind.count, field.shape, generator=generator)
        if isinstance(kind, Classes):
            highest = 2 if kind.multi_label else len(kind.names)
            return torch.randint(highest, field.shape, generator=generator).to(field.dtype)
        return torch.randn(field.shape, generator=generator)

    def filled(fields: Any, kinds: Mapping[str, Any]) -> dict[str, Field]:
        by_name = fields if len(kinds) > 1 else dict.fromkeys(kinds, fields)
        return {name: like(by_name[name], kind) for name, kind in kinds.items()}

    return Batch.of(filled(example.inputs, spec.inputs), filled(example.targets, spec.targets), n)
