"""Where the time of a step goes, by hand and by dltk, and how fast this machine multiplies and convolves at most.

What a goal needs that lies beyond both is out of reach here. `python -m benchmarks.parts KIND KEY FOLDER THREADS`
prints the parts of a step as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.material import REPOSITORY, Material, material_for
from benchmarks.records import Row
from benchmarks.referee import THREADS
from benchmarks.timing import keep_to_cores, repeated
from benchmarks.workloads import WORKLOADS, Workload

PARTS: Mapping[str, tuple[str, ...]] = {
    "products": ("mm", "addmm", "bmm", "baddbmm"),
    "convolutions": ("mkldnn_convolution", "_convolution", "convolution", "convolution_backward"),
    "attention": (
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention_for_cpu_backward",
    ),
    "recurrence": ("mkldnn_rnn_layer", "mkldnn_rnn_layer_backward", "lstm"),
    "pooling": ("max_pool2d_with_indices", "max_pool2d_with_indices_backward"),
    "normalisation": (
        *("native_batch_norm", "native_batch_norm_backward"),
        *("native_layer_norm", "native_layer_norm_backward"),
    ),
    "activations": (
        *("clamp_min", "threshold_backward", "gelu", "gelu_backward"),
        *("_softmax", "_softmax_backward_data", "_log_softmax", "_log_softmax_backward_data"),
    ),
    "copies": ("copy_", "fill_", "index_select", "cat", "stack"),
    "update": ("_fused_adam_", "Optimizer.step#Adam.step", "Optimizer.zero_grad#Adam.zero_grad"),
}
"""Operations of torch by what they are; all others are `the rest`."""
REST = "the rest"
SECONDS, PROFILED_SECONDS = 3.0, 2.0
BY_HAND, BY_DLTK, BY_DLTK_IN_BF16 = "part", "dltk part", "bf16 part"
KINDS = (BY_HAND, BY_DLTK, BY_DLTK_IN_BF16)
"""Of rows: whose step, and in which precision."""
SPEEDS = {"product": "products", "convolution": "convolutions"}
"""Kinds of rows, and what their speeds are called in `benchmarks.speeds`."""


def measured(keys: Sequence[str], threads: int, number: int) -> list[Row]:
    """Return the parts of a step of each workload, and speeds, each measured in a process of its own."""
    rows = []
    for kind, name in SPEEDS.items():
        for found in _answer("speeds", name, threads=threads):
            rows += [
                Row(kind, found["size"], choice, threads, number, seconds, seconds, 1, gflop=found["gflop"])
                for choice, seconds in found["seconds"].items()
            ]
    for key in keys:
        folder = str(material_for(WORKLOADS[key]).folder)
        for kind in KINDS:
            for name, part in _answer("parts", kind, key, folder, threads=threads).items():
                rows.append(Row(kind, key, name, threads, number, **part))
    return rows


def _answer(module: str, *arguments: str, threads: int) -> Any:
    count = str(threads)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments, count],
        cwd=REPOSITORY,
        env={**os.environ, **dict.fromkeys(THREADS, count)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def parts(step: Callable[[], object]) -> dict[str, dict[str, float]]:
    """Return by part: processor seconds, steps, and billions of multiplications and additions where they are counted.

    The seconds are the step's own without a profiler, shared out as the profiler saw them.
    """
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - the parent process needs no torch
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    for _ in range(3):
        step()
    with FlopCounterMode(display=False) as counter:
        step()
    count, spent = repeated(step, SECONDS)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        repeated(step, PROFILED_SECONDS)
    times: dict[str, float] = defaultdict(float)
    for event in seen.key_averages():
        times[part_of(event.key)] += event.self_cpu_time_total
    work: dict[str, float] = defaultdict(float)
    for operation, flops in counter.get_flop_counts()["Global"].items():
        work[part_of(str(operation))] += flops / 1e9
    whole = sum(times.values())
    return {
        name: {"seconds": spent * taken / whole, "cpu_seconds": spent * taken / whole, "steps": count}
        | ({"gflop": work[name] * count} if work.get(name) else {})
        for name, taken in times.items()
    }


def part_of(operation: str) -> str:
    """Return which part an operation belongs to."""
    name = operation.removeprefix("aten::").removeprefix("aten.")
    return next((part for part, names in PARTS.items() if name in names), REST)


def stepper(kind: str, workload: Workload, material: Material, threads: int) -> Callable[[], object]:
    """Return what makes one step after the other."""
    from benchmarks.contestants import hand_loop, toolkit  # noqa: PLC0415 - the parent process needs no torch

    if kind == BY_HAND:
        return hand_loop.stepper(workload, material)
    return toolkit.stepper(workload, material, threads, "auto" if kind == BY_DLTK else "bf16")


def main(kind: str, key: str, folder: str, threads: str) -> None:
    """Measure in this process, on as many cores as asked for."""
    keep_to_cores(int(threads))
    step = stepper(kind, WORKLOADS[key], Material.open(Path(folder)), int(threads))
    sys.stdout.write(json.dumps(parts(step)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
