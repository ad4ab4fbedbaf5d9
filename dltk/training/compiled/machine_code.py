"""Steps as machine code: a library in dltk's cache that repeats them, compiled once by torch's inductor.

What lies in the cache is run, so only this user may be able to write there, and every byte is compared before.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dltk.data.files import cache_directory
from dltk.data.locking import waiting
from dltk.training.compiled import tracing
from dltk.training.compiled.obstacles import CannotCompile
from dltk.training.compiled.recording import Step

MOST_LIBRARIES = 100
"""The least recently used ones beyond so many are removed."""
_OPTIONS: Mapping[str, Any] = {
    "aot_inductor.precompile_headers": False,
    "cpp_cache_precompile_headers": False,
    "cpp.threads": 1,
    "cpp.vec_isa_ok": True,
    "force_disable_caches": True,
}
"""Of inductor: headers are parsed once here, not kept; tiny loops are not shared among threads; what the processor can
do is not tried out, it says so."""
Repeat = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""(what is carried, then for each step what is given and its constants) -> what is carried, after so many of each."""


def compiler() -> str | None:
    """Return the C++ compiler that inductor calls; None where there is none, or it is none that this is known of."""
    return shutil.which(os.environ.get("CXX", "g++")) if sys.platform == "linux" else None


def compiler_version() -> str:
    """Return what the compiler says of itself, which bits may depend on; "" where there is none."""
    path = compiler()
    if path is None:
        return ""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.partition("\n")[0].strip()


def repeating(steps: Sequence[Step], processor: str) -> Repeat:
    """Return what repeats steps that carry the same, one behind the other; compiled where the cache does not have it.

    Of several processes that want the same steps, one compiles them and the others wait.

    Args:
        steps: What is repeated.
        processor: What the code is made for.

    Raises:
        CannotCompile: There is no compiler, it fails, or the cache cannot be used; or no graph repeats a step.
    """
    version = compiler_version()
    if not version:
        raise CannotCompile("there is no C++ compiler here that is known to do, g++ on Linux")
    key = _key(steps, processor, version)
    try:
        folder = _own_folder()
        with (folder / f"{key}.lock").open("ab") as lock:
            waiting(lock, "another process that compiles the same step")
            found = _intact(folder, key) or _kept(folder, key, steps)
            os.utime(found)
    except OSError as error:
        raise CannotCompile(f"the cache cannot be used: {error.strerror}: {cache_directory()}") from None
    return _opened(found)


def _opened(path: Path) -> Repeat:
    try:
        run = torch._C._aoti.AOTIModelContainerRunnerCpu(str(path), 1)
    except RuntimeError as error:
        raise CannotCompile(f"the compiled step cannot be loaded: {_first_line(error)}") from None
    return lambda tensors: run.run(list(tensors))


def _key(steps: Sequence[Step], processor: str, version: str) -> str:
    """Return what names a library: all that its code follows from."""
    facts = [[each.record for each in steps], processor, version, dict(_OPTIONS), _digest(Path(tracing.__file__))]
    facts += [torch.__version__, torch.version.git_version, torch.backends.cpu.get_cpu_capability()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _own_folder() -> Path:
    """Return where libraries lie, below the cache; refuse one that others may write to."""
    folder = cache_directory() / "compiled"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.stat()
    if facts.st_uid != os.getuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CannotCompile(f"others may write to {folder}, from which code would be run; remove that folder")
    return folder


def _intact(folder: Path, key: str) -> Path | None:
    """Return a library whose bytes are those its name was made of; others of the key are removed."""
    for path in folder.glob(f"{key}-*.so"):
        if path.stem == f"{key}-{_digest(path)}":
            return path
        path.unlink()
    return None


def _kept(folder: Path, key: str, steps: Sequence[Step]) -> Path:
    """Compile a library and put it into the cache at once."""
    with tempfile.TemporaryDirectory(prefix="dltk-compile-") as workshop:
        built = _compiled(steps, workshop)
        part = folder / f"{key}.part"
        shutil.copyfile(built, part)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    path = part.replace(folder / f"{key}-{_digest(part)}.so")
    libraries = sorted(folder.glob("*-*.so"), key=lambda each: each.stat().st_mtime_ns)
    for old in libraries[:-MOST_LIBRARIES]:
        old.unlink(missing_ok=True)  # a process that runs it goes on
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _compiled(steps: Sequence[Step], workshop: str) -> Path:
    """Compile steps; no process or file of the compiler is left."""
    arguments = [*steps[0].carried, *(each for step in steps for each in [*step.given, *step.constants])]
    loops = tracing.loops_over(steps)
    with _workshop(workshop):
        try:
            settings = importlib.import_module("torch._inductor.config")
            settings.compile_threads = 1  # type: ignore[attr-defined]  # before the rest is imported, which starts processes
            inductor = importlib.import_module("torch._inductor")
            fake = importlib.import_module("torch._subclasses.fake_tensor").FakeTensorMode
            shapes = importlib.import_module("torch.fx.experimental.symbolic_shapes").ShapeEnv
            mode = fake(shape_env=shapes(), static_shapes=True)
            examples = tuple(mode.from_tensor(each, static_shapes=True) for each in arguments)
            return Path(str(inductor.aot_compile(loops, examples, options={**_OPTIONS, "cpp.cxx": (None, compiler())})))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            raise CannotCompile(f"the compiler failed: {_first_line(error)}") from None


@contextmanager
def _workshop(folder: str) -> Iterator[None]:
    """Let inductor put what it makes into a folder, and say nothing."""
    name, before = "TORCHINDUCTOR_CACHE_DIR", os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    os.environ[name] = folder
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
