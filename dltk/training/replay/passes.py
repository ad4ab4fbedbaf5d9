"""Which passes over batches are replayed: those of a shape that comes often, once replays gave the bits of torch's own.

The first passes of a shape are torch's. Then one is recorded, and in the next one the recorded calls are made on
another batch, with other weights and another draw of noise; where loss and gradients have the bits of torch's own pass
both times, later ones are replayed. So whether, and from when on, changes no bit of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dltk.data.batches import Batch
from dltk.training.batch_tensors import like, tensors_of
from dltk.training.probing import undisturbed
from dltk.training.replay.heard import CannotReplay, Heard, listened, memory_of, tensors_in
from dltk.training.replay.tape import Tape

MOST_BYTES = 2**26
"""What the results of recorded passes, one for each shape, may take together: they are all kept."""
PASSES_BEFORE = 8
"""So many of a shape are made before one is recorded, which takes as long as some dozen passes."""
KNOWN = {"torch", "torchvision", "dltk", "builtins"}
Parts = Mapping[str, Tensor]
Pass = Callable[[Batch], Parts]
"""A forward pass of a batch under the seed of the step -> parts of its loss, of which "loss" is minimised."""


class Replay:
    """Passes over batches of one shape.

    Attributes:
        parts: Of the loss, after a pass.
        gradients: Likewise, in the order of the parameters; None for those that the loss does not depend on.
        draws: Whether a pass draws at random.
        num_bytes: What its results take.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], batch: Batch, fields: Sequence[Tensor], make: Pass, most_bytes: int
    ) -> None:
        """Record a pass.

        Args:
            parameters: Those that learn.
            batch: A batch of the shape.
            fields: Its tensors.
            make: Makes a forward pass.
            most_bytes: What its results may take.

        Raises:
            CannotReplay: It is none that can be made again, or takes more.
        """
        self._fields = [field.clone() for field in fields]

        def learn() -> tuple[Parts, Sequence[Tensor | None]]:
            parts = make(like(batch, self._fields))
            return parts, torch.autograd.grad(parts["loss"], parameters, allow_unused=True)

        (parts, found), heard, self.num_bytes = listened(learn, most_bytes)
        self.parts = {name: part.detach() for name, part in parts.items()}
        self.gradients, copies = own_memory(parameters, found, heard)
        self._tape = Tape([*heard, *copies], [*self.parts.values(), *tensors_in(self.gradients)])
        self.draws = self._tape.draws

    def over(self, fields: Sequence[Tensor]) -> None:
        """Make a pass over a batch of such tensors: loss and gradients are then those of this one."""
        for place, field in zip(self._fields, fields, strict=True):
            place.copy_(field)
        self._tape.play()


@dataclass
class Shape:
    """What is known of batches of one shape."""

    passes: int = 0
    replay: Replay | None = None
    is_proven: bool = False
    is_refused: bool = False


class Replays:
    """Passes through one model, on the CPU.

    Args:
        model: It is in training.
        parameters: Those that learn.
        make: Makes a forward pass of this step.
        seed: Seeds the generator for this step.
    """

    def __init__(
        self, model: nn.Module, parameters: Sequence[nn.Parameter], make: Pass, seed: Callable[[], None]
    ) -> None:
        self._model, self._parameters, self._make, self._seed = model, parameters, make, seed
        self._hooks = [
            hooks for module in model.modules() for hooks in (module._forward_hooks, module._forward_pre_hooks)
        ]
        self._shapes: dict[object, Shape] = {}
        self._judged: Shape | None = None
        self._places: list[int] = []
        self._left = MOST_BYTES

    def over(self, batch: Batch) -> Replay | None:
        """Make a pass over a batch; None where torch makes it, while somebody watches the layers, say."""
        self._judged = None
        fields = None if any(self._hooks) else tensors_of(batch)
        if fields is None:
            return None
        shape = self._shapes.setdefault(tuple([(field.shape, field.dtype) for field in fields]), Shape())
        if not shape.is_proven:
            self._rehearse(shape, batch, fields)
            return None
        assert shape.replay is not None
        if shape.replay.draws:
            self._seed()
        shape.replay.over(fields)
        return shape.replay

    def judge(self, parts: Parts) -> None:
        """Compare what was rehearsed with the results of torch's own pass: these, and the gradients of parameters."""
        shape = self._judged
        if shape is None or shape.replay is None:
            return
        pairs: list[tuple[Tensor | None, Tensor | None]]
        pairs = [(part, shape.replay.parts.get(name)) for name, part in parts.items()]
        pairs += [(each.grad, own) for each, own in zip(self._parameters, shape.replay.gradients, strict=True)]
        if len(parts) == len(shape.replay.parts) and all(_are_same(*pair) for pair in pairs):
            shape.is_proven = shape.passes == PASSES_BEFORE + 2
        else:
            self._left += shape.replay.num_bytes
            shape.replay, shape.is_refused = None, True

    def begin_epoch(self) -> None:
        """Forget everything where tensors of the model were moved."""
        places = [each.data_ptr() for each in (*self._model.parameters(), *self._model.buffers())]
        if places != self._places:
            self._places, self._left = places, MOST_BYTES
            self._shapes.clear()

    def _rehearse(self, shape: Shape, batch: Batch, fields: Sequence[Tensor]) -> None:
        """Record a pass, or make the recorded one, which torch makes, too, in this step; no tensor changes by it."""
        shape.passes += 1
        if shape.is_refused or shape.passes <= PASSES_BEFORE:
            return
        self._judged = shape
        with undisturbed(self._model):
            if shape.replay is not None:
                self._seed()
                shape.replay.over(fields)
                return
            try:
                shape.replay = Replay(self._parameters, batch, fields, self._make, self._left)
                self._left -= shape.replay.num_bytes
            except CannotReplay:
                shape.is_refused = True


def own_memory(
    parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor | None], heard: Sequence[Heard]
) -> tuple[Sequence[Tensor | None], Sequence[Heard]]:
    """Return gradients laid out like their parameters, each in memory of its own, and the copies this takes."""
    made = Counter(memory_of(tensor) for each in heard for tensor in each.made)
    uses = Counter(memory_of(tensor) for tensor in tensors_in(gradients))
    found, copies = [], []
    for parameter, gradient in zip(parameters, gradients, strict=True):
        place = gradient
        if gradient is not None:
            memory = memory_of(gradient)
            if uses[memory] > 1 or not made[memory] or gradient.stride() != parameter.stride():
                place = torch.empty_like(parameter).copy_(gradient)
                copies.append(Heard(torch.ops.aten.copy_.default, (place, gradient), {}, place, with_grad=False))
        found.append(place)
    return found, copies


def is_known(part: object) -> bool:
    """Return whether a layer, or a loss with all that its task calls, computes the same in every step.

    Those of torch and dltk do.
    """
    owner = getattr(part, "__self__", None)
    parts = [part] if owner is None else [part, type(owner), *filter(callable, vars(owner).values())]
    return all(getattr(each, "__module__", "").partition(".")[0] in KNOWN for each in parts)


def _are_same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype and torch.equal(one, other)
