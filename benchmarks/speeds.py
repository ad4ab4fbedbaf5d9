"""How fast this machine multiplies and convolves the workloads' own sizes, in the layouts that a step meets.

`python -m benchmarks.speeds products THREADS` and `... convolutions THREADS` print it as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.timing import keep_to_cores, repeated

if TYPE_CHECKING:
    from torch import Tensor

PRODUCTS = ((128, 784, 512), (128, 512, 10), (4096, 128, 384), (4096, 128, 512), (4096, 512, 128), (1024, 1024, 1024))
"""Rows, inputs and outputs of dense layers: those of a, the larger ones of f, and one that is limited by nothing."""
CONVOLUTIONS = ((128, 1, 28, 6, 5, 2), (128, 6, 14, 16, 5, 0), (128, 16, 32, 16, 3, 1), (128, 64, 8, 64, 3, 1))
"""Images, channels, pixels, filters, their size, and padding: those of b, and the first and last kind of c."""
NEEDS_NO_INPUTS_GRADIENT = {(128, 784, 512), (128, 1, 28, 6, 5, 2)}
"""Sizes of first layers: their inputs are data."""
SECONDS, ROUNDS = 0.05, 7
FORWARD, WEIGHTS, INPUTS = "forward", "gradient of weights", "gradient of inputs"

Calls = Mapping[str, Callable[[], object]]


def product_speeds() -> list[dict[str, Any]]:
    """Return for each product of dense layers how long its fastest call took, by number format and library."""
    import torch  # noqa: PLC0415 - the parent process needs no torch

    found = []
    for sizes in PRODUCTS:
        rows, inputs, outputs = sizes
        x, weight, bias, gradient = (
            torch.randn(*size) for size in ((rows, inputs), (outputs, inputs), (outputs,), (rows, outputs))
        )
        calls = _of_layer(x, weight, bias, gradient)
        halves = _of_layer(*(tensor.bfloat16() for tensor in (x, weight, bias, gradient)))
        for name in _needed(sizes):
            seconds = {}
            for choice, precision, call in (
                ("float32, torch's choice", "highest", calls[name]),
                ("float32, oneDNN", "medium", calls[name]),
                ("bf16", "highest", halves[name]),
            ):
                torch.set_float32_matmul_precision(precision)
                seconds[choice] = _fastest(call)
            torch.set_float32_matmul_precision("highest")
            title = f"{rows} x {inputs} to {outputs}, {name}"
            found.append({"size": title, "gflop": 2e-9 * rows * inputs * outputs, "seconds": seconds})
    return found


def convolution_speeds() -> list[dict[str, Any]]:
    """Return for each part of a convolution how long its fastest call took, by number format and layout."""
    import torch  # noqa: PLC0415

    found = []
    for sizes in CONVOLUTIONS:
        images, channels, pixels, filters, width, padding = sizes
        x, weight = torch.randn(images, channels, pixels, pixels), torch.randn(filters, channels, width, width)
        left = pixels + 2 * padding - width + 1
        gradient = torch.randn(images, filters, left, left)
        gflop = 2e-9 * gradient.numel() * channels * width**2
        for name in _needed(sizes):
            seconds = {}
            for number_format, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
                for layout, order in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
                    one, two, three = (each.to(dtype=dtype, memory_format=order) for each in (x, weight, gradient))
                    seconds[f"{number_format}, {layout}"] = _fastest(_of_convolution(one, two, three, padding)[name])
            title = f"{images} of {channels} x {pixels} x {pixels}, {filters} filters {width} x {width}, {name}"
            found.append({"size": title, "gflop": gflop, "seconds": seconds})
    return found


def _of_layer(x: Tensor, weight: Tensor, bias: Tensor, gradient: Tensor) -> Calls:
    """Return the products of a dense layer as torch's autograd makes them."""
    return {
        FORWARD: lambda: bias.addmm(x, weight.t()),
        WEIGHTS: lambda: gradient.t() @ x,
        INPUTS: lambda: gradient @ weight,
    }


def _of_convolution(x: Tensor, weight: Tensor, gradient: Tensor, padding: int) -> Calls:
    import torch  # noqa: PLC0415

    def backward(wanted: tuple[bool, bool, bool]) -> object:
        places = ([1, 1], [padding, padding], [1, 1], False, [0, 0], 1)
        return torch.ops.aten.convolution_backward(gradient, x, weight, None, *places, wanted)

    return {
        FORWARD: lambda: torch.conv2d(x, weight, padding=padding),
        WEIGHTS: lambda: backward((False, True, False)),
        INPUTS: lambda: backward((True, False, False)),
    }


def _needed(sizes: tuple[int, ...]) -> tuple[str, ...]:
    return (FORWARD, WEIGHTS) if sizes in NEEDS_NO_INPUTS_GRADIENT else (FORWARD, WEIGHTS, INPUTS)


def _fastest(call: Callable[[], object]) -> float:
    """Return the seconds of a call in the best of a few rounds."""
    call()
    return min(spent / count for count, spent in (repeated(call, SECONDS) for _ in range(ROUNDS)))


if __name__ == "__main__":
    keep_to_cores(int(sys.argv[2]))
    sys.stdout.write(json.dumps({"products": product_speeds, "convolutions": convolution_speeds}[sys.argv[1]]()) + "\n")
