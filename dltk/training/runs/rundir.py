"""The run directory: the only file that spells its paths."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from dltk.config.errors import MissingInput, OutputError, at_most_shown, did_you_mean, shown
from dltk.training.runs.locking import Lock, is_locked
from dltk.training.saving.disk import sync_directory
from dltk.training.saving.durable import clear_leftovers, write_text
from dltk.training.saving.sealed_json import read_sealed, write_sealed

STATES = ("running", "stopped", "failed", "completed")
"""What status.json may call a run; one that says running and whose process is gone was killed."""
owned_last: ContextVar[RunDir | None] = ContextVar("owned_last", default=None)
"""The run directory that was taken possession of last: what goes wrong from then on is told there."""


class RunDir:
    """One run's directory, `runs/<name>/<time>-<4 hex>/`; owned by one process while it trains."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = Lock()
        self._gives_way = False

    @classmethod
    def fresh(cls, parent: Path) -> RunDir:
        """Name a run directory below `parent` after the time, to 1/65536 of a second; nothing is created."""
        now = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        run = cls(parent / f"{stamp}-{int(now % 1 * 2**16):04x}")
        run._gives_way = True
        return run

    @classmethod
    def existing(cls, path: Path) -> RunDir:
        """Open a run directory.

        Raises:
            MissingInput: There is none at `path`.
        """
        run = cls(path)
        if not run.resolved.is_file():
            raise MissingInput(
                f"there is no run at {shown(str(path))}", where=str(path.absolute()), do="dltk list runs"
            )
        return run

    @property
    def config(self) -> Path:
        """The config as it was given."""
        return self.path / "config.yaml"

    @property
    def resolved(self) -> Path:
        """The config with every decision in it, itself a runnable experiment."""
        return self.path / "resolved.yaml"

    @property
    def environment(self) -> Path:
        """Facts of the machine and versions."""
        return self.path / "environment.json"

    @property
    def metrics(self) -> Path:
        """One line of JSON per evaluation."""
        return self.path / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """What was said."""
        return self.path / "train.log"

    @property
    def checkpoints(self) -> Path:
        """`step-<8 digits>` directories."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"

    @property
    def pictures(self) -> Path:
        """PNG files."""
        return self.path / "pictures"

    @property
    def predictions(self) -> Path:
        """What `predict` wrote without a file name of its own."""
        return self.path / "predictions"

    @property
    def exported(self) -> Path:
        """The model in other formats."""
        return self.path / "export"

    @property
    def crashes(self) -> Path:
        """A traceback per bug that ended a training."""
        return self.path / "crash"

    @property
    def preparation(self) -> Path:
        """A directory with what was fitted on the training data."""
        return self.path / "preparation"

    @property
    def _status(self) -> Path:
        return self.path / "status.json"

    @property
    def _lock_file(self) -> Path:
        return self.path / ".lock"

    def create(self) -> None:
        """Make the directory and take possession of it.

        Raises:
            OutputError: It exists, or cannot be created.
        """
        try:
            self.path.mkdir(parents=True)
            self.checkpoints.mkdir()
            self.pictures.mkdir()
        except FileExistsError:
            raise OutputError(
                f"{shown(self.path.name)} exists already",
                where=str(self.path),
                do="choose another --output-dir, or go on with --resume",
            ) from None
        except OSError as error:
            raise OutputError(f"cannot create the run directory: {error.strerror}", where=str(self.path)) from None
        self.lock()

    def lock(self) -> None:
        """Take possession, which ends with the process, and clear away what an earlier owner left half-done.

        A file system without locks protects nothing.

        Raises:
            Locked: Another live process owns the run.
            OutputError: The directory cannot be written, or something in it is a link.
        """
        self._refuse_links()
        self._lock.take(self._lock_file)
        owned_last.set(self)
        clear_leftovers(self.path)

    def release(self) -> None:
        """Give possession back."""
        self._lock.release()

    def is_owned(self) -> bool:
        """Return whether a live process owns the run."""
        return is_locked(self._lock_file)

    def move(self, path: Path) -> None:
        """Give the directory another name on the same disk; possession stays.

        Raises:
            OutputError: There is something of that name.
        """
        try:
            self.path.rename(path)
            sync_directory(path.parent)
        except OSError as error:
            raise OutputError(
                f"cannot create the run directory {shown(path.name)}: {error.strerror}", where=str(path)
            ) from None
        self.path = path.absolute()

    def settle(self, path: Path) -> None:
        """Move to a name; one of `fresh` that another run took in the same moment gives way to a later one.

        Raises:
            OutputError: There is something of a name that was asked for, or the directory cannot be renamed.
        """
        while True:
            try:
                self.move(path)
            except OutputError:
                if not (self._gives_way and path.exists()):
                    raise
                path = RunDir.fresh(path.parent).path
            else:
                return

    def write_configs(self, given: str, resolved: str) -> None:
        """Write the config as given and as decided."""
        write_text(self.config, given)
        self.write_resolved(resolved)

    def write_resolved(self, resolved: str) -> None:
        """Replace the config as decided."""
        write_text(self.resolved, resolved)

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write the facts of the machine."""
        write_sealed(self.environment, facts)

    def read_environment(self) -> dict[str, Any]:
        """Read the facts of the machine the run began on."""
        return read_sealed(self.environment)

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace status.json atomically."""
        write_sealed(self._status, status)

    def status(self) -> dict[str, Any]:
        """Read status.json; empty where there is none yet."""
        return read_sealed(self._status) if self._status.is_file() else {}

    def fail(self, code: int, error: str, message: str) -> None:
        """Note why a training that nobody owns any more ended, unless it has noted that itself."""
        status = self.status()
        if status.get("state") == "running" and not self.is_owned():
            self.write_status({**status, "state": "failed", "code": code, "error": error, "message": message})

    def _refuse_links(self) -> None:
        """Refuse a directory in which somebody put links: what is written there would go elsewhere."""
        entries = (Path(parent, name) for parent, folders, files in os.walk(self.path) for name in [*folders, *files])
        links = [str(entry.relative_to(self.path)) for entry in entries if entry.is_symlink()]
        if links:
            raise OutputError(
                "the run directory has links in it",
                where=str(self.path),
                found=at_most_shown([shown(link) for link in sorted(links)]),
                expected="files and folders of its own",
                do="put what they lead to in their place",
            )


def find_run(text: str, runs_dir: Path = Path("runs")) -> tuple[RunDir, int | None]:
    """Find a RUN: a run directory, a checkpoint inside one (with its step), or a name, whose newest run it is.

    Raises:
        MissingInput: There is no such run.
    """
    try:
        found = _found(text, runs_dir)
    except OSError:  # a name that is too long for any file, or a place that may not be looked at
        found = None
    if found is None:
        raise MissingInput(
            f"there is no run {shown(text)}{did_you_mean(text, _names(runs_dir))}",
            where=str(Path(text).absolute()),
            do="dltk list runs",
            expected=f"a run directory, a checkpoint inside one, or a name below {runs_dir}",
        )
    return found


def _found(text: str, runs_dir: Path) -> tuple[RunDir, int | None] | None:
    path = Path(text).absolute()
    step = path.name.removeprefix("step-")
    if path.parent.name == "checkpoints" and path.name != step and step.isdecimal() and path.is_dir():
        return RunDir.existing(path.parent.parent), int(step)
    for place in (path, runs_dir / text):
        if (place / "resolved.yaml").is_file():
            return RunDir.existing(place), None
        newest = newest_runs(place)
        if newest:
            return newest[0], None
    return None


def newest_runs(parent: Path) -> list[RunDir]:
    """Return the runs directly below a directory, newest first by their names."""
    return [RunDir(path) for path in sorted(_visible(parent.glob("*/resolved.yaml")), reverse=True)]


def all_runs(parent: Path) -> list[RunDir]:
    """Return the runs anywhere below a directory, newest first by their names, whatever the experiments' names."""
    found = _visible(parent.glob("**/resolved.yaml"))
    return [RunDir(path) for path in sorted(found, key=lambda path: path.relative_to(parent).parts[1:], reverse=True)]


def _names(runs_dir: Path) -> list[str]:
    return [path.name for path in runs_dir.iterdir()] if runs_dir.is_dir() else []


def _visible(configs: Iterable[Path]) -> list[Path]:
    """Return the directories of configs, without those that are being made or thrown away."""
    return [path.parent for path in configs if not path.parent.name.startswith(".")]
