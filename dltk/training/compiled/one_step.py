"""One training step, forward, backward and update, as a function of tensors alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch
from dltk.training.batch_tensors import like, tensors_of
from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.compiled.recording import Step, recorded
from dltk.training.compiled.rules import Rule
from dltk.training.probing import undisturbed

Loss = Callable[[nn.Module, Batch], Tensor | Mapping[str, Tensor]]


class Learned(nn.Module):
    """A model and its loss as one module, so that all its tensors can be given from outside."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self._loss = model, loss

    def forward(self, batch: Batch) -> Mapping[str, Tensor]:
        """Return the parts of a batch's loss."""
        return named_parts(self._loss(self.model, batch))


def named_parts(loss: Tensor | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a loss by names, of which "loss" is what is minimised."""
    return {"loss": loss} if isinstance(loss, Tensor) else loss


def fields_of(batch: Batch) -> list[Tensor]:
    """Return the tensors of a batch, in an order of their own.

    Raises:
        CannotCompile: A field is not one tensor.
    """
    fields = tensors_of(batch)
    if fields is None:
        raise CannotCompile("samples have sizes of their own")
    return fields


def step_with(
    learned: Learned,
    rule: Rule,
    batch: Batch,
    scores: Sequence[str],
    examples: tuple[Sequence[Tensor], Sequence[Tensor]],
) -> Step:
    """Return the step that a model makes with batches like this one.

    Args:
        learned: The model and its loss.
        rule: How parameters move.
        batch: Of the shape.
        scores: The parts of the loss that are added up.
        examples: What is carried: number of the step, all parameters as one vector, likewise each moment, sums of
            scores. Then what is given: how many steps, the numbers of their updates (steps, numbers), tensors that
            stay as they are, and fields of all batches (steps, B, ...).
    """
    model, loss = learned.model, learned
    moving = {name: each for name, each in loss.named_parameters() if each.requires_grad}
    staying = [name for name, _ in held(loss)]
    sizes = [each.numel() for each in moving.values()]

    def step(carried: Sequence[Tensor], given: Sequence[Tensor]) -> list[Tensor]:
        number, places, *rest = carried
        moments, sums = rest[: len(rule.moments)], rest[len(rule.moments) :]
        paces, kept, fields = given[1], given[2 : 2 + len(staying)], given[2 + len(staying) :]
        which = number.view(1)
        some = like(batch, [field.index_select(0, which).squeeze(0) for field in fields])
        leaves = [
            part.view(each.shape).detach().requires_grad_()
            for part, each in zip(torch.split(places, sizes), moving.values(), strict=True)
        ]
        tensors = {**dict(zip(moving, leaves, strict=True)), **dict(zip(staying, kept, strict=True))}
        parts = torch.func.functional_call(loss, tensors, (some,))
        gradients = torch.autograd.grad(parts["loss"], leaves)
        with torch.no_grad():
            gradient = torch.cat([each.reshape(-1) for each in gradients])
            pace = paces.index_select(0, which).squeeze(0).unbind()
            places, kept_on = rule.move(places, gradient, dict(zip(rule.moments, moments, strict=True)), pace)
            sums = [total + parts[name].double() * batch.num_samples for total, name in zip(sums, scores, strict=True)]
        return [number + 1, places, *(kept_on[name] for name in rule.moments), *sums]

    count = len(examples[0])
    with undisturbed(model):
        return recorded(lambda *tensors: step(tensors[:count], tensors[count:]), *examples)


def score_names(learned: Learned, batch: Batch) -> list[str]:
    """Return the names of a loss's parts, by one pass that changes nothing."""
    with undisturbed(learned.model), torch.no_grad():
        return list(learned(batch))


def held(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a module that no update changes."""
    frozen = ((name, each) for name, each in module.named_parameters() if not each.requires_grad)
    return itertools.chain(frozen, module.named_buffers())
