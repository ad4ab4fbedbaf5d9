"""Making a run's directory: never found half-made, never another run's."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltk.config.errors import DltkError, IntegrityError, OutputError
from dltk.experiment.building import Built
from dltk.experiment.layout import layout_of
from dltk.experiment.machine import Machine, environment_of
from dltk.training.runs.rundir import RunDir
from dltk.training.saving.storage import write_directory


def refuse_impossible(run: RunDir) -> None:
    """Refuse at once, before data are read, where the run directory could not be created.

    Raises:
        OutputError: It exists, or its parent cannot be written to.
    """
    if run.path.exists():
        raise OutputError(
            f"{run.path.name} exists already",
            where=str(run.path),
            do="choose another --output-dir, or go on with --resume",
        )
    parent = run.path.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        what = "no permission to write" if parent.is_dir() else "this is a file"
        raise OutputError(f"cannot create the run directory: {what}", where=str(parent))


@dataclass(frozen=True)
class Origin:
    """What a run begins with that is not trained from its config.

    Attributes:
        facts: What status.json keeps of where it comes from.
        save: Writes its first checkpoint into the run directory.
    """

    facts: Mapping[str, Any]
    save: Callable[[RunDir], None]


def create(run: RunDir, built: Built, machine: Machine, given: str, origin: Origin | None = None) -> str:
    """Make the run directory: aside, then at once under its name; return where it is.

    Args:
        run: Where; a name that `RunDir.fresh` gave becomes a later one if another run has taken it meanwhile.
        built: What will be trained.
        machine: Where.
        given: The text of config.yaml.
        origin: Of a fork: the run and checkpoint that it goes on from.

    Raises:
        OutputError: It exists, or cannot be created.
    """
    _clear_abandoned(run.path.parent)
    path, run.path = run.path, run.path.with_name(f".tmp-{run.path.name}-{os.getpid()}")
    try:
        run.create()
        facts = {"samples": built.splits.digests()}
        write_directory(run.preparation, {"preparation": built.splits.preparation.state()}, facts)
        run.write_environment(environment_of(machine) | {"layout": layout_of(built.model)})
        identity: dict[str, Any] = {
            "id": secrets.token_hex(8),
            "name": built.experiment.name,
            "directions": dict(built.task.scores),
        }
        if origin is not None:
            identity["forked_from"] = dict(origin.facts)
        run.write_status({**identity, "state": "running", "step": 0, "code": None})
        run.write_configs(given, built.experiment.sealed())
        if origin is not None:
            origin.save(run)
        run.settle(path)
    except (DltkError, OSError, KeyboardInterrupt):
        run.release()
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return str(run.path)


def identity_of(run: RunDir) -> dict[str, Any]:
    """Return what stays in status.json for the whole life of a run.

    Raises:
        IntegrityError: It is not there.
    """
    status = run.status()
    try:
        kept = {"id": str(status["id"]), "name": str(status["name"]), "directions": status.get("directions", {})}
    except KeyError as error:
        raise IntegrityError(f"status.json lacks {error}", where=str(run.path)) from None
    return kept | ({"forked_from": status["forked_from"]} if "forked_from" in status else {})


def _clear_abandoned(parent: Path) -> None:
    """Take away what processes left that died while they made a run's directory."""
    for path in parent.glob(".tmp-*-*"):
        process = path.name.rpartition("-")[2]
        run = RunDir(path)
        if process.isdecimal() and not _is_alive(int(process)) and not run.is_owned():
            with contextlib.suppress(OSError):
                path.rmdir()  # where it is empty yet
            if run.checkpoints.is_dir():
                shutil.rmtree(path, ignore_errors=True)


def _is_alive(process: int) -> bool:
    """Return whether a process of this machine lives, or cannot be asked."""
    if os.name == "nt":  # asking would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
