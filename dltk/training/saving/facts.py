"""Which directories are checkpoints of a run, by their names and facts; needs no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from dltk.config.errors import IntegrityError
from dltk.training.saving.durable import REPLACED, distrusting, of_another_version, read_facts


@dataclass(frozen=True)
class Owner:
    """What a checkpoint belongs to.

    Attributes:
        run: The run's id.
        preparation: Digest of what was fitted on the training data.
    """

    run: str
    preparation: str


@dataclass(frozen=True)
class Facts:
    """What a checkpoint says of itself.

    Attributes:
        step: Batches consumed when it was saved.
        score: The monitored score of exactly these weights; None where they were not evaluated.
        resumable: Whether it holds more than weights.
    """

    step: int
    score: float | None
    resumable: bool

    def of(self, owner: Owner) -> dict[str, Any]:
        """Return the facts to write beside a checkpoint's files."""
        return {**asdict(owner), **asdict(self)}


def path_of(directory: Path, step: int) -> Path:
    """Return where the checkpoint of a step is."""
    return directory / f"step-{step:08d}"


def paths_in(directory: Path) -> list[Path]:
    """Return all there are, newest first by the step in their names: clocks may go back.

    One that was moved away, and whose successor is not there yet or never came, still counts.
    """
    moved = [path for path in directory.glob(f"{REPLACED}step-*") if not path.with_name(_name_of(path)).exists()]
    return sorted([*directory.glob("step-*"), *moved], key=lambda path: _name_of(path)[5:].zfill(10), reverse=True)


def _name_of(path: Path) -> str:
    return path.name.removeprefix(REPLACED)


def facts_of(path: Path, owner: Owner, *, verify_files: bool) -> Facts:
    """Return what a checkpoint says of itself, after checking its manifest, and with `verify_files` every byte.

    Raises:
        IntegrityError: It is not what was written, or not of this owner.
        ResumeRefused: Another version of dltk wrote it.
    """
    found = read_facts(path, verify_files=verify_files)
    belongs_to = asdict(owner)
    unknown = found.keys() - belongs_to.keys() - {field.name for field in fields(Facts)}
    if unknown:
        raise of_another_version(path, f"facts that are unknown here: {', '.join(sorted(unknown))}")
    with distrusting(path):
        facts = Facts(**{key: value for key, value in found.items() if key not in belongs_to})
        is_of_this_step = _name_of(path) == path_of(path.parent, facts.step).name
    if not is_of_this_step or not belongs_to.keys() <= found.keys():
        raise IntegrityError(f"{path.name} is damaged (facts: not those of this step)", where=str(path))
    if any(found[key] != value for key, value in belongs_to.items()):
        raise IntegrityError(f"{path.name} belongs to another run, or to other prepared data", where=str(path))
    return facts
