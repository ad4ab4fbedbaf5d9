"""Weights of a pickled file read by a process of their own, which may take only so much memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from dltk.config.errors import DataError, DltkError, IntegrityError, MissingInput, WriteError, shown
from dltk.nn.foreign import INERT, Limits, read_foreign, read_safetensors

try:
    import resource
except ImportError:  # Windows has none; there the reader's own checks remain
    resource = None  # type: ignore[assignment]

_ERRORS = {kind.__name__: kind for kind in (DataError, IntegrityError, MissingInput, WriteError)}


@dataclass(frozen=True)
class Allowance:
    """What the process may take beside what torch itself takes.

    Attributes:
        bytes_: Of memory.
        seconds: Of processor time.
    """

    bytes_: int
    seconds: int

    @classmethod
    def of(cls, num_bytes: int, limits: Limits) -> Allowance:
        """Return enough for an honest file of this size: what it holds, twice, at a slow disk's pace."""
        return cls(2 * limits.ratio * num_bytes + 2**28, 30 + num_bytes // 2**24)


def read_confined(path: Path, limits: Limits | None = None, allowance: Allowance | None = None) -> dict[str, Tensor]:
    """Return what `read_foreign` does; only a .safetensors file, which holds nothing but numbers, is read here.

    Raises:
        MissingInput: There is no such file.
        IntegrityError: The file asks to run code, is too large, or takes more than its size explains.
        DataError: It holds no weights.
    """
    limits = limits or Limits()
    if path.suffix.lower() == INERT or not path.is_file():
        return read_foreign(path, limits)
    allowance = allowance or Allowance.of(path.stat().st_size, limits)
    with TemporaryDirectory(prefix="dltk-import-") as folder:
        written = Path(folder) / f"weights{INERT}"
        order = json.dumps({"path": str(path), "written": str(written), **asdict(limits), **asdict(allowance)})
        names = _names_of(_run(order), path, allowance)
        tensors = read_safetensors(written)
        return {name: tensors[str(place)] for place, name in enumerate(names)}


def _run(order: str) -> subprocess.CompletedProcess[str]:
    """Start this file as a program; it finds this very dltk, and nothing of the current directory."""
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-P", "-m", __name__]
    return subprocess.run(
        command, input=order, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": root}
    )


def _names_of(ended: subprocess.CompletedProcess[str], path: Path, allowance: Allowance) -> list[str]:
    """Return the names of the tensors that were written, in the order of the file."""
    try:
        answer = json.loads(ended.stdout)
    except ValueError:  # it was ended before it could answer
        raise IntegrityError(
            f"{shown(path.name)} takes more to read than a file of its size does, and is refused",
            where=str(path.absolute()),
            found=f"the process that read it was ended (code {ended.returncode})",
            expected=f"at most {allowance.seconds} s and {allowance.bytes_ // 2**20} MiB",
        ) from None
    if "error" in answer:
        raise _ERRORS[answer["error"]](**answer["says"])
    names: list[str] = answer["names"]
    return names


def answer(order: str) -> str:
    """Read a file within the limits that are ordered, write its tensors by number, and return their names."""
    facts = json.loads(order)
    limits = Limits(facts["file_bytes"], facts["tensors"], facts["ratio"])
    torch.set_num_threads(1)  # every thread would take address space
    _confine(Allowance(facts["bytes_"], facts["seconds"]))
    try:
        tensors = read_foreign(Path(facts["path"]), limits)
        save_file({str(place): _plain(tensor) for place, tensor in enumerate(tensors.values())}, facts["written"])
    except DltkError as error:
        says = {name: getattr(error, name) for name in ("message", "where", "found", "expected", "do")}
        return json.dumps({"error": type(error).__name__, "says": says})
    except (SafetensorError, OSError) as error:
        says = {"message": f"the weights cannot be kept: {error}", "where": facts["written"]}
        return json.dumps({"error": WriteError.__name__, "says": says})
    return json.dumps({"names": list(tensors)})


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor that shares nothing and lies as it is read."""
    return tensor.resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)


def _confine(allowance: Allowance) -> None:
    """Limit this process, where the platform can: address space, processor time, and no picture of its memory."""
    if resource is None:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + allowance.seconds)
    taken = Path("/proc/self/statm")  # of Linux; elsewhere what is taken now is not known, or the limit has no effect
    if taken.is_file():
        pages = int(taken.read_text(encoding="ascii").split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + allowance.bytes_)


def _lower(which: int, wanted: int) -> None:
    hard = resource.getrlimit(which)[1]
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    sys.stdout.write(answer(sys.stdin.read()))
