"""Where the hand-written loop's time goes, and how fast this machine multiplies at most: what goals are out of reach.

`python -m benchmarks.parts KEY FOLDER THREADS` prints the parts of a step as JSON, `python -m benchmarks.parts
products THREADS` the speed of products.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.material import REPOSITORY, Material, material_for
from benchmarks.records import Row
from benchmarks.referee import THREADS
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
    "update": ("_fused_adam_", "Optimizer.step#Adam.step", "Optimizer.zero_grad#Adam.zero_grad"),
}
"""Operations of torch by what they are; all others are `the rest`."""
REST = "the rest"
SIZES = ((128, 784, 512), (4096, 128, 512), (1024, 1024, 1024))
"""Rows, inner size and columns: the largest products of a and of f, and one that is limited by nothing else."""
SECONDS, PROFILED_SECONDS = 3.0, 2.0
ROUNDS_OF_PRODUCTS = 7


def measured(keys: Sequence[str], threads: int, number: int) -> list[Row]:
    """Return the parts of a step of each workload, and the speed of products, measured in processes of their own."""
    rows = [row for size in _answer("products", threads=threads) for row in _products(size, threads, number)]
    for key in keys:
        for name, part in _answer(key, str(material_for(WORKLOADS[key]).folder), threads=threads).items():
            rows.append(Row("part", key, name, threads, number, **part))
    return rows


def _products(found: Mapping[str, Any], threads: int, number: int) -> list[Row]:
    return [
        Row("product", found["size"], name, threads, number, seconds, seconds, 1, gflop=found["gflop"])
        for name, seconds in found["seconds"].items()
    ]


def _answer(*arguments: str, threads: int) -> Any:
    count = str(threads)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.parts", *arguments, count],
        cwd=REPOSITORY,
        env={**os.environ, **dict.fromkeys(THREADS, count)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def parts(workload: Workload, material: Material) -> dict[str, dict[str, float]]:
    """Return by part: processor seconds, steps, and billions of multiplications and additions where they are counted.

    The seconds are the step's own without a profiler, shared out as the profiler saw them.
    """
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - the parent process needs no torch
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    from benchmarks.contestants.hand_loop import stepper  # noqa: PLC0415

    step = stepper(workload, material)
    for _ in range(3):
        step()
    with FlopCounterMode(display=False) as counter:
        step()
    count, spent = _repeated(step, SECONDS)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        _repeated(step, PROFILED_SECONDS)
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


def product_speeds() -> list[dict[str, Any]]:
    """Return for each size how long its fastest product took, by number format and library."""
    import torch  # noqa: PLC0415

    found = []
    for rows, inner, columns in SIZES:
        left, right = torch.randn(rows, inner), torch.randn(inner, columns)
        halves = left.bfloat16(), right.bfloat16()
        seconds = {}
        for name, precision, (x, y) in (
            ("float32, torch's choice", "highest", (left, right)),
            ("float32, oneDNN", "medium", (left, right)),
            ("bf16", "highest", halves),
        ):
            torch.set_float32_matmul_precision(precision)
            once = lambda x=x, y=y: x @ y  # noqa: E731
            best = [_repeated(once, 0.1) for _ in range(ROUNDS_OF_PRODUCTS)]
            seconds[name] = min(spent / count for count, spent in best)
        torch.set_float32_matmul_precision("highest")
        gflop = 2e-9 * rows * inner * columns
        found.append({"size": f"{rows} x {inner} x {columns}", "gflop": gflop, "seconds": seconds})
    return found


def _repeated(call: Callable[[], object], seconds: float) -> tuple[int, float]:
    """Call for some time; return how often, and the processor seconds of all calls."""
    count, started_at, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started_at < seconds:
        call()
        count += 1
    return count, time.process_time() - cpu


def main(arguments: Sequence[str]) -> None:
    """Measure in this process, on as many cores as asked for."""
    threads = int(arguments[-1])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import torch  # noqa: PLC0415 - counts the cores when it is imported

    torch.set_num_threads(threads)
    if arguments[0] == "products":
        answer: object = product_speeds()
    else:
        answer = parts(WORKLOADS[arguments[0]], Material.open(Path(arguments[1])))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
