"""Facts of the machine: device, threads, versions; and what becomes of it when its memory ends."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

import dltk
from dltk.config import registry
from dltk.config.errors import OutOfResources, count_of
from dltk.config.processes import processes_here
from dltk.config.sections import TrainOptions
from dltk.data.resources import allow_more_files, cores, keep_freed_memory
from dltk.experiment.determinism import ask_for_same_bits
from dltk.experiment.kernels import COMPILED, Kernels
from dltk.experiment.processor import this_processor
from dltk.training.compiled.machine_code import compiler_version
from dltk.training.processes import ALONE, World, world
from dltk.training.session import choose_device
from dltk.training.updates.precision import use_tf32

MAX_FOUND = 300
_TELLING = (
    *("device", "gpu", "processor", "processes"),
    *("matmul", "attention", "pooling", "step", "compiler"),
    *("torch", "dltk"),
)
"""Facts that bits may depend on."""


@dataclass(frozen=True)
class Machine:
    """What a run computes on."""

    device: torch.device
    threads: int
    world: World = ALONE
    kernels: Kernels = field(default_factory=Kernels)

    def computing_with(self, kernels: Kernels) -> Machine:
        """Put kernels in place, as far as they can be had here, and return the machine with them.

        From now on, when data are read, memory stays with the process.
        """
        keep_freed_memory()
        possible = kernels.possible(self.device)
        possible.put_in_place()
        return replace(self, kernels=possible)

    def with_step(self, step: str) -> Machine:
        """Return the machine with another way to make steps."""
        return replace(self, kernels=replace(self.kernels, step=step))


def prepare_machine(options: TrainOptions, recorded_threads: int | None) -> Machine:
    """Join the other processes, set threads by rule or as recorded, choose the device; the usual kernels compute."""
    allow_more_files()
    together = world()
    share = max(1, cores() // processes_here())
    threads = recorded_threads or (share if options.threads == "auto" else options.threads)
    torch.set_num_threads(threads)
    device = choose_device(options.device)
    Kernels().put_in_place()
    ask_for_same_bits(options, device)
    if device.type == "cuda":
        _prefer_repeatable_kernels()
        if options.precision == "tf32":
            use_tf32()
    return Machine(device, threads, together)


def _prefer_repeatable_kernels() -> None:
    """Ask cuDNN for full float32 and for kernels that give the same bits twice; torch's own are left as they are."""
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]


def environment_of(machine: Machine) -> dict[str, Any]:
    """Return what environment.json records."""
    plugins = [
        {"kind": plugin.kind, "name": plugin.name, "path": str(plugin.path), "sha256": plugin.sha256}
        for plugin in registry.plugins()
    ]
    return {
        "dltk": dltk.__version__,
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "device": str(machine.device),
        "gpu": torch.cuda.get_device_name(machine.device) if machine.device.type == "cuda" else None,
        "processor": str(this_processor()),
        "threads": machine.threads,
        "processes": machine.world.size,
        "kernels": machine.kernels.plain(),
        **({"compiler": compiler_version()} if machine.kernels.step == COMPILED else {}),
        "plugins": plugins,
    }


def differences(recorded: Mapping[str, Any], machine: Machine) -> list[str]:
    """Return what keeps a resumed run from repeating the bits of an uninterrupted one: device, kernels, versions."""
    before = {**recorded, **Kernels.recorded(recorded).plain()}
    now = environment_of(machine) | machine.kernels.plain()
    return [
        f"{name} was {before[name] or 'none'}, is {now[name] or 'none'}"
        for name in _TELLING
        if name in before and name in now and before[name] != now[name]
    ]


@contextmanager
def within_memory(batch_size: int | None = None) -> Iterator[None]:
    """Turn the end of memory, on the device or the host, into one error.

    Args:
        batch_size: Of the batches that are computed; None where it is not that which takes the memory.

    Raises:
        OutOfResources: Memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_about_memory(error):
            raise
        batches = "" if batch_size is None else f" with batches of {count_of(batch_size, 'sample')}"
        raise OutOfResources(
            f"memory ran out{batches}",
            found=_what_was_asked(error),
            do="take a smaller data.batch_size, for which train.accumulate can make up, or a smaller model; a run that "
            "has begun takes it with --fork",
        ) from None


def _is_about_memory(error: BaseException) -> bool:
    """Recognise torch's errors: for the host it raises a plain RuntimeError."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _what_was_asked(error: BaseException) -> str:
    """Say what was asked for, where the error tells, and on a GPU what there is and what was in use."""
    text = str(error).partition("\n")[0]
    asked = re.search(r"you tried to allocate (\d+) bytes", text)
    found = f"{int(asked[1]) / 2**30:,.2f} GiB asked for at once" if asked else text[:MAX_FOUND]
    if isinstance(error, torch.OutOfMemoryError) and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        found += f"; at most {torch.cuda.max_memory_allocated() / 2**30:,.2f} GiB were in use"
    return found
