"""What a run ended with: everything that must be the same, bit by bit, however often it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from dltk.training.runs.rundir import RunDir
from dltk.training.saving.checkpoint import Checkpoint


def status(run: Path) -> dict[str, Any]:
    """Return what status.json says."""
    return RunDir(run).status()


def log(run: Path) -> str:
    """Return what was said."""
    return (run / "train.log").read_text(errors="replace")


def checkpoint(run: Path, step: int) -> Checkpoint:
    """Return what was saved at a step."""
    path = run / "checkpoints" / f"step-{step:08d}"
    return Checkpoint(path, step, None, (path / "state.json").is_file())


def resumable(run: Path) -> list[Checkpoint]:
    """Return the checkpoints that can be gone on from, oldest first."""
    steps = sorted(int(path.name.removeprefix("step-")) for path in (run / "checkpoints").glob("step-*"))
    return [found for found in (checkpoint(run, step) for step in steps) if found.resumable]


def end_of(run: Path) -> dict[str, Any]:
    """Return everything that must be the same, bit by bit, however often a run was interrupted."""
    last = resumable(run)[-1]
    state = {name: part for name, part in last.state().items() if not name.startswith("metrics_")}  # it spells seconds
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {
        "step": last.step,
        "weights": digest(last.weights()),
        "state": digest(state),
        "selected": digest(checkpoint(run, status(run)["selected_step"]).weights()),
        "metrics": [{name: value for name, value in row.items() if name != "seconds"} for row in rows],
        "status": {name: value for name, value in status(run).items() if name not in {"id", "seconds"}},
    }


def digest(tree: Any) -> str:
    """Return the SHA-256 of a tree of tensors and plain values."""
    parts = hashlib.sha256()
    add(tree, parts)
    return parts.hexdigest()


def add(tree: Any, parts: Any) -> None:
    """Feed a tree into a hash: structure, types and bytes."""
    if isinstance(tree, Tensor):
        parts.update(f"{tree.dtype} {tuple(tree.shape)}".encode() + tree.contiguous().numpy().tobytes())
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            parts.update(repr(key).encode())
            add(item, parts)
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            add(item, parts)
    else:
        parts.update(repr(tree).encode())
