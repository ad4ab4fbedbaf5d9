"""What a step of workload a takes by its kernels alone, and what else was tried on it; pools in one with convolutions.

Kernels alone: no modules, no autograd, nothing allocated but once; what a step needs beside them is not counted. A goal
below is out of reach here for every library that calls the same kernels. `python -m benchmarks.bare FOLDER THREADS`
prints it as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.material import REPOSITORY, Material, material_for
from benchmarks.records import Row
from benchmarks.referee import THREADS
from benchmarks.timing import keep_to_cores, repeated
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from torch import Tensor

KIND, BY_HAND = "bare", "opt"
SECONDS, ROUNDS = 0.3, 11
POOLED = (
    *((128, 1, 28, 6, 5, 2), (128, 3, 32, 6, 5, 0), (128, 1, 28, 8, 5, 2)),
    *((128, 1, 28, 16, 5, 2), (128, 6, 14, 6, 5, 0), (8, 1, 28, 6, 5, 2)),
)
"""Images, channels, pixels, filters, their size, and padding: the first of b, and some on either side of the rule."""

Step = Callable[[], object]


def measured(threads: int, first: int) -> list[Row]:
    """Return processor seconds of each step in each round, the first of which has that number."""
    folder, count = str(material_for(WORKLOADS["a"]).folder), str(threads)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bare", folder, count],
        cwd=REPOSITORY,
        env={**os.environ, **dict.fromkeys(THREADS, count)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [
        Row(KIND, found["case"], name, threads, number, seconds, seconds, 1)
        for found in json.loads(done.stdout.splitlines()[-1])
        for name, each in found["seconds"].items()
        for number, seconds in enumerate(each, first)
    ]


def steps(material: Material) -> dict[str, Step]:
    """Return the hand-written step, and steps by kernels alone, by what they are called in tables."""
    from benchmarks.contestants import hand_loop  # noqa: PLC0415 - the parent process needs no torch

    return {
        BY_HAND: hand_loop.stepper(WORKLOADS["a"], material),
        "float32": Bare(material).step,
        "float32, weights lie transposed": Bare(material, is_transposed=True).step,
        "float32, gradient and update by 128 rows": Bare(material, rows=128).step,
        "bf16": Bare(material, is_half=True).step,
        "bf16, casts and update by 64 rows": Bare(material, is_half=True, rows=64).step,
        "bf16, images lie in bf16": Bare(material, is_half=True, has_half_data=True).step,
    }


class Bare:
    """A dense network with one hidden layer, its gradient, and Adam's update, each kernel into the same memory.

    Args:
        material: Of workload a.
        is_half: Products are in bf16, weights and moments in float32.
        is_transposed: The first layer's weights lie by inputs, not by outputs.
        rows: Of the first layer's weights that are updated at a time, right after their gradient is known or cast.
        has_half_data: Images lie in memory as bf16.
    """

    def __init__(
        self,
        material: Material,
        *,
        is_half: bool = False,
        is_transposed: bool = False,
        rows: int | None = None,
        has_half_data: bool = False,
    ) -> None:
        import torch  # noqa: PLC0415

        workload = WORKLOADS["a"]
        images = torch.from_numpy(material.array("inputs")).flatten(1)
        self.images = images.bfloat16() if has_half_data else images
        self.classes = torch.from_numpy(material.array("targets"))
        self.order, self.size, self.place = torch.randperm(len(images)), workload.batch_size, 0
        weights = [torch.from_numpy(array).clone() for array in material.weights()]
        if is_transposed:
            weights[0] = weights[0].t().contiguous()
        self.weights, self.is_transposed = weights, is_transposed
        self.moments = [[torch.zeros_like(each) for each in weights] for _ in range(2)]
        self.counts = [torch.zeros(()) for _ in weights]
        self.gradients = [torch.zeros_like(each) for each in weights]
        self.factors = [each.bfloat16() for each in weights] if is_half else weights
        self.found = [torch.zeros_like(each) for each in self.factors] if is_half else self.gradients
        self.lr, self.rows, self.is_half = workload.lr, rows or len(weights[0]), is_half

    def step(self) -> None:
        """Move once."""
        import torch  # noqa: PLC0415

        aten = torch.ops.aten
        chosen = self.order[self.place : self.place + self.size]
        self.place = (self.place + self.size) % (len(self.order) - self.size)
        x, classes = self.images.index_select(0, chosen), self.classes.index_select(0, chosen)
        first, first_bias, last, last_bias = self.factors
        if self.is_half:
            x = x.bfloat16()
            begin = 0 if self.is_at_once else 1  # an update by rows has cast the first
            for place, weights in zip(self.factors[begin:], self.weights[begin:], strict=True):
                place.copy_(weights)
        hidden = torch.addmm(first_bias, x, first if self.is_transposed else first.t()).relu_()
        scores = torch.addmm(last_bias, hidden, last.t()).float().log_softmax(1)
        loss, total = aten.nll_loss_forward(scores, classes, None, 1, -100)
        gradient = aten.nll_loss_backward(torch.ones_like(loss), scores, classes, None, 1, -100, total)
        gradient = aten._log_softmax_backward_data(gradient, scores, 1, torch.float32).to(x.dtype)
        torch.mm(gradient.t(), hidden, out=self.found[2])
        torch.sum(gradient, 0, out=self.found[3])
        gradient = aten.threshold_backward(gradient @ last, hidden, 0)
        torch.sum(gradient, 0, out=self.found[1])
        torch._foreach_add_(self.counts, 1)
        self._update_first(x, gradient)
        if self.is_half:
            for place, found in zip(self.gradients[1:], self.found[1:], strict=True):
                place.copy_(found)
        self._update([self.weights[1:], self.gradients[1:], *(each[1:] for each in self.moments)])

    @property
    def is_at_once(self) -> bool:
        """Whether the first layer is updated in one go."""
        return self.rows == len(self.weights[0])

    def _update_first(self, x: Tensor, gradient: Tensor) -> None:
        """Multiply out the gradient of the first layer, and move it, by rows."""
        import torch  # noqa: PLC0415

        left, right = (x.t(), gradient) if self.is_transposed else (gradient.t(), x)
        if self.is_half:
            torch.mm(left, right, out=self.found[0])
        for begin in range(0, len(self.weights[0]), self.rows):
            part = slice(begin, begin + self.rows)
            if self.is_half:
                self.gradients[0][part].copy_(self.found[0][part])
            else:
                torch.mm(left[part], right, out=self.found[0][part])
            self._update([[each[0][part]] for each in (self.weights, self.gradients, *self.moments)])
            if self.is_half and not self.is_at_once:
                self.factors[0][part].copy_(self.weights[0][part])

    def _update(self, tensors: list[list[Tensor]]) -> None:
        import torch  # noqa: PLC0415

        weights, gradients, first, second = tensors
        torch._fused_adam_(
            weights,
            gradients,
            first,
            second,
            [],
            self.counts[: len(weights)],
            lr=self.lr,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


def pools() -> list[dict[str, Any]]:
    """Return for convolutions with a pool how long a pass and its gradient take, in one and one after the other."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    from dltk.nn.folding import WINDOW, folded  # noqa: PLC0415

    found, pool = [], nn.MaxPool2d(WINDOW)
    for images, channels, pixels, filters, width, padding in POOLED:
        convolution = nn.Conv2d(channels, filters, width, padding=padding).to(memory_format=torch.channels_last)
        x = torch.rand(images, channels, pixels, pixels)
        in_one = partial(folded, convolution)
        ways: dict[str, Callable[[Tensor], Tensor]] = {
            "one after the other": nn.Sequential(convolution, pool),
            "in one": in_one,
        }
        gradient = torch.randn_like(in_one(x))
        passes = {name: partial(_there_and_back, way, x, gradient) for name, way in ways.items()}
        title = f"{images} of {channels} x {pixels} x {pixels}, {filters} filters {width} x {width}"
        found.append({"case": title, "seconds": compared(passes)})
    return found


def _there_and_back(way: Callable[[Tensor], Tensor], x: Tensor, gradient: Tensor) -> None:
    way(x).backward(gradient)  # type: ignore[no-untyped-call]


def compared(steps: Mapping[str, Step]) -> dict[str, list[float]]:
    """Return processor seconds of each step in rounds, in which one begins after the other."""
    for step in steps.values():
        repeated(step, SECONDS)
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            count, spent = repeated(step, SECONDS)
            found[name].append(spent / count)
    return found


def main(folder: str, threads: str) -> None:
    """Measure in this process, with the memory of steps kept as dltk does."""
    from dltk.data.resources import keep_freed_memory  # noqa: PLC0415

    keep_to_cores(int(threads))
    keep_freed_memory()
    found = [{"case": "a", "seconds": compared(steps(Material.open(Path(folder))))}, *pools()]
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
