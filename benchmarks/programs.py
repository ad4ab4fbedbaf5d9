"""Whole processes, from their start to their end: looking things up, the first step, shipped configs."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants.names import CONTESTANTS
from benchmarks.material import REPOSITORY, Material
from benchmarks.peers import python_for
from benchmarks.records import Row
from benchmarks.referee import THREADS, in_turn
from benchmarks.workloads import Workload

PYTHON = sys.executable
TYPO = "data: {name: digits}\nmodel: {name: mlp, hiden: [3]}\n"
KIB_IN_MIB = 1024
WHOLE_EPOCHS = 3


@dataclass(frozen=True)
class Program:
    """A command line that is timed as a whole.

    Attributes:
        kind: Of its rows.
        case: Likewise.
        contestant: Likewise.
        command: Where `{folder}` stands for an empty one, and `{threads}` for how many cores it has.
        code: With which it has to end.
        score: Finds the test score in what it prints; None where it has none.
        environment: Variables for it.
        typed: What it reads from standard input.
    """

    kind: str
    case: str
    contestant: str
    command: tuple[str, ...]
    code: int = 0
    score: Callable[[str], float] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""


def _dltk(name: str, *arguments: str, code: int = 0) -> Program:
    return Program("start", "look up", name, (PYTHON, "-m", "dltk", *arguments), code)


def tested(text: str) -> float:
    """Return the first score on the test split that a command printed as JSON."""
    scores = json.loads(text.splitlines()[-1])["scores"]
    return float(next(value for name, value in scores.items() if name.startswith("test/")))


def _config(case: str, path: str, *overrides: str) -> tuple[Program, Program]:
    """Return a shipped config by dltk's command line, and the same work by hand."""
    quiet = ("--json", "--quiet", "--no-progress", "--output-dir", "{folder}/run")
    config = (PYTHON, "-m", "dltk", "train", path, *overrides, *quiet)
    by_hand = (PYTHON, "-m", "benchmarks.by_hand", case, "{folder}")
    return (
        Program("process", case, "dltk", config, score=tested),
        Program("process", case, "opt", by_hand, score=tested),
    )


def _plan(config: str, *packages: str) -> tuple[Program, Program]:
    """Return a plan of a shipped config, and what it may take: imports of what it needs, and a second of work."""
    names = ", ".join(("typer", "pydantic", "torch", *packages))
    code = f"import time, {names}; end = time.process_time() + 1\nwhile time.process_time() < end: pass"
    case = f"plan of {Path(config).stem}"
    return (
        Program("start", case, "imports_and_a_second", (PYTHON, "-c", code)),
        Program("start", case, "dltk", (PYTHON, "-m", "dltk", "plan", f"configs/{config}.yaml")),
    )


PLANS: Mapping[str, tuple[str, ...]] = {
    "start/digits_mlp": (),
    "tables/iris_mlp": (),
    "generative/digits_gan": (),
    "cnn/mnist_lenet": (),
    "cnn/mnist_cnn_augmented": (),
    "cnn/hymenoptera_finetune": (),
    "text/imdb_multi_hot": (),
    "tables/adult_mlp": ("pandas",),
}
"""Shipped configs that are planned, with the packages that their data or models need beside torch."""
STARTS: tuple[tuple[Program, ...], ...] = (
    (
        Program("start", "look up", "nothing", (PYTHON, "-c", "pass")),
        Program("start", "look up", "typer_rich", (PYTHON, "-c", "import typer, rich")),
        _dltk("--help", "--help"),
        _dltk("list", "list"),
        _dltk("show", "show", "mlp"),
        _dltk("schema", "schema"),
        _dltk("config error", "train", "{folder}/typo.yaml", code=2),
    ),
    (
        Program("start", "first step", "torch_and_data", (PYTHON, "-m", "benchmarks.first_step", "by_hand")),
        Program("start", "first step", "dltk", (PYTHON, "-m", "benchmarks.first_step", "dltk")),
    ),
    *(_plan(config, *packages) for config, packages in PLANS.items()),
)
CONFIGS: tuple[tuple[Program, ...], ...] = (
    _config("mnist_dense", "configs/mlp/mnist_dense.yaml"),
    _config("mnist_lenet", "configs/cnn/mnist_lenet.yaml", "train.epochs=2", "early_stopping=null"),
    _config("boston_mlp", "configs/tables/boston_mlp.yaml"),
)


def whole(workload: Workload, material: Material, name: str) -> Program:
    """Return a workload as a process of a contestant's own: importing, reading arrays, and some epochs.

    Raises:
        NotInstalled: Its library could not be installed.
    """
    contestant = CONTESTANTS[name]
    arguments = ("-m", "benchmarks.contestants", name, workload.key, str(material.folder), "{threads}")
    return Program(
        *("whole", workload.key, name, (python_for(contestant), *arguments)),
        score=_last_loss,
        environment=contestant.environment,
        typed="go\n" * math.ceil(WHOLE_EPOCHS / workload.round_epochs),
    )


def _last_loss(text: str) -> float:
    return float(json.loads(text.splitlines()[-1])["loss"])


def timed(group: Sequence[Program], threads: int, numbers: Sequence[int]) -> Iterator[Row]:
    """Yield a row for each program of a group and each round; short ones run once before, to warm up the disk."""
    for program in group:
        if program.kind == "start":
            once(program, threads, 0)
    for number in numbers:
        names = in_turn([str(i) for i in range(len(group))], number)
        for i in map(int, names):
            yield once(group[i], threads, number)


def once(program: Program, threads: int, number: int) -> Row:
    """Run a program and return what it took; whatever it wrote is deleted."""
    folder = Path(tempfile.mkdtemp())
    (folder / "typo.yaml").write_text(TYPO, encoding="utf-8")
    count = str(threads)
    environment = {**os.environ, **program.environment, **dict.fromkeys(THREADS, count)}
    environment |= {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "", "DLTK_OFFLINE": "1"}
    (folder / "typed").write_text(program.typed, encoding="utf-8")
    command = [word.replace("{folder}", str(folder)).replace("{threads}", count) for word in program.command]
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:threads])  # children inherit it
    try:
        with (folder / "typed").open() as typed, (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            started_at = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environment,
                stdin=typed,
                stdout=out,
                stderr=err,
            )
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started_at
            process.returncode = os.waitstatus_to_exitcode(status)
        text, errors = ((folder / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        if process.returncode != program.code:
            error = f"ended with code {process.returncode}: {errors.strip()[-300:]}"
            return Row(program.kind, program.case, program.contestant, threads, number, error=error)
        return Row(
            program.kind,
            program.case,
            program.contestant,
            threads,
            number,
            seconds,
            used.ru_utime + used.ru_stime,
            loss=None if program.score is None else program.score(text),
            # Linux counts what this process held when it forked: it tells nothing of a program that holds less.
            peak_mb=round(used.ru_maxrss / KIB_IN_MIB, 1) if program.kind != "start" else None,
        )
    finally:
        os.sched_setaffinity(0, cores)
        shutil.rmtree(folder, ignore_errors=True)
