"""Which kernels compute: a choice that changes bits, by a rule over facts of the processor and one step's work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import nn

from dltk.config.sections import TrainOptions
from dltk.data.batches import Batches
from dltk.experiment.processor import Processor, this_processor
from dltk.nn.folding import fold_pools, has_foldable
from dltk.training.learner import Learner
from dltk.training.updates.precision import HALF
from dltk.training.work import Work, watched

USUAL, ONEDNN, MATH, FOLDED, COMPILED = "usual", "onednn", "math", "folded", "compiled"
SMALLEST_MEAN_PRODUCT = 2**23
"""Multiply-adds of a product on average from which oneDNN's speed outweighs what its call costs more."""
MOST_SCORES = 2**24
"""Attention scores of a call that may lie in memory, which its own kernel avoids."""


@dataclass(frozen=True)
class Kernels:
    """What computes.

    Attributes:
        matmul: float32 matrix products: `usual`, what torch takes, or `onednn`.
        attention: `usual`, a kernel of its own, or `math`, matrix products and a softmax.
        pooling: `usual`, behind a convolution, or `folded`, in one with it where it has few filters.
        step: Of training: `usual`, one operation after the other, or `compiled` as a whole.
    """

    matmul: str = USUAL
    attention: str = USUAL
    pooling: str = USUAL
    step: str = USUAL

    @classmethod
    def recorded(cls, environment: Mapping[str, Any]) -> Kernels:
        """Return a run's own; those of a run that recorded none were the usual ones."""
        kernels = environment.get("kernels", {})
        return cls(**{field.name: kernels.get(field.name, USUAL) for field in fields(cls)})

    def plain(self) -> dict[str, str]:
        """Return what is recorded."""
        return asdict(self)

    def __str__(self) -> str:
        return ", ".join(f"{name} {chosen}" for name, chosen in self.plain().items() if chosen != USUAL)

    def put_in_place(self) -> None:
        """Let torch compute with them, from now on, in this process."""
        torch.set_float32_matmul_precision("medium" if self.matmul == ONEDNN else "highest")
        torch.backends.cuda.enable_flash_sdp(self.attention != MATH)  # despite its name the CPU's switch, too
        fold_pools(on=self.pooling == FOLDED)

    def possible(self, device: torch.device) -> Kernels:
        """Return these, or the usual ones where they would not compute the same here."""
        if device.type != "cpu":
            return Kernels()
        if self.matmul == ONEDNN and not multiplies_exactly():
            return replace(self, matmul=USUAL, attention=USUAL)
        return self


def choose(options: TrainOptions, device: torch.device, learner: Learner, lessons: Batches) -> Kernels:
    """Return the kernels of a new run; the usual ones are in place.

    Args:
        options: May ask for the usual ones.
        device: Where the run computes.
        learner: Makes one pass over a batch that changes nothing, where its work decides.
        lessons: What it learns from.
    """
    return _chosen_for(options, device, learner.training_model(), lambda: _work(learner, lessons))


def foreseen_kernels(options: TrainOptions, device: torch.device, model: nn.Module | None) -> Kernels | None:
    """Return what `choose` will, or None where only a model not known yet, or the work of a step, tells.

    The usual ones are in place.
    """
    asked = model is None and device.type == "cpu" and options.kernels != USUAL

    def work() -> Work:
        nonlocal asked
        asked = True
        return Work()

    kernels = _chosen_for(options, device, model, work)
    return None if asked else kernels


def _chosen_for(
    options: TrainOptions, device: torch.device, model: nn.Module | None, work: Callable[[], Work]
) -> Kernels:
    if options.kernels == USUAL or device.type != "cpu":
        return Kernels()
    processor, is_half = this_processor(), options.precision in HALF
    kernels = chosen(processor, is_half=is_half, work=work)
    is_whole = options.compile == "on"  # what is compiled as a whole folds nothing
    return kernels if is_whole else replace(kernels, pooling=pooling_for(processor, model, is_half=is_half))


def pooling_for(processor: Processor, model: nn.Module | None, *, is_half: bool) -> str:
    """Return how convolutions are pooled: in one with them where few filters would leave wide registers empty."""
    is_folded = not is_half and processor.has_wide_registers and model is not None and has_foldable(model)
    return FOLDED if is_folded else USUAL


def chosen(processor: Processor, *, is_half: bool, work: Callable[[], Work]) -> Kernels:
    """Return what the rule says of products and attention, of a processor and, where that matters, of a step's work.

    A float32 product goes to oneDNN where MKL is slow and products are large; not in mixed precision, where the large
    ones are in 16 bits. Attention goes the same way, for its own kernel multiplies by MKL; in bf16, too, where that
    kernel is slower than its parts.
    """
    if is_half:
        kept = processor.has_bf16 and 0 < work().scores <= MOST_SCORES
        return Kernels(attention=MATH) if kept else Kernels()
    if not (processor.has_slow_products and multiplies_exactly()):
        return Kernels()
    found = work()
    if found.mean_product < SMALLEST_MEAN_PRODUCT or found.scores > MOST_SCORES:
        return Kernels()
    return Kernels(ONEDNN, MATH if found.scores else USUAL)


def multiplies_exactly(sizes: tuple[int, int, int] = (128, 784, 512)) -> bool:
    """Return whether oneDNN keeps all 24 bits of float32 here: bf16 and tf32 would lose the last bit of 1 + 2**-12.

    Leaves the usual kernels in place.
    """
    rows, inner, columns = sizes
    left = torch.full((rows, inner), 1 + 2.0**-12)
    right = torch.zeros(inner, columns).index_fill_(0, torch.tensor([0]), 1.0)
    Kernels(matmul=ONEDNN).put_in_place()
    try:
        return bool((left @ right == left[0, 0]).all())
    finally:
        Kernels().put_in_place()


def _work(learner: Learner, lessons: Batches) -> Work:
    batch = next(lessons.epoch(0), None)
    with watched() as work:
        if batch is not None:
            learner.probe(batch)
    return work
