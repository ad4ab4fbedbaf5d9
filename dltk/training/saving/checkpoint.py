"""Checkpoints: when one is due, how it is written, and which ones can be trusted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltk.config.errors import IntegrityError
from dltk.config.sections import CheckpointOptions
from dltk.training.early_stopping import Best
from dltk.training.saving.durable import clear_leftovers, remove_directory
from dltk.training.saving.facts import Facts, Owner, facts_of, path_of, paths_in
from dltk.training.saving.storage import read_tree, write_directory


@dataclass(frozen=True)
class Checkpoint:
    """A directory that holds weights, and where it is resumable all other state of a run.

    Attributes:
        path: `checkpoints/step-<8 digits>`.
        step: Batches consumed when it was saved.
        score: The monitored score of exactly these weights; None where they were not evaluated.
        resumable: Whether it holds more than weights.
    """

    path: Path
    step: int
    score: float | None
    resumable: bool

    def weights(self) -> Mapping[str, Any]:
        """Read the weights; raise IntegrityError where they are not what was written."""
        weights: Mapping[str, Any] = read_tree(self.path, "model")
        return weights

    def state(self) -> Mapping[str, Any]:
        """Read everything else; raise IntegrityError where it is not what was written."""
        state: Mapping[str, Any] = read_tree(self.path, "state")
        return state


class Checkpoints:
    """The checkpoints of one run.

    Args:
        directory: Where they lie; nothing else does.
        options: When one is due and how many stay.
        run_id: Checkpoints of another run are refused.
        preparation: Digest of what was fitted on the training data; checkpoints of weights for another are refused.
    """

    def __init__(self, directory: Path, options: CheckpointOptions, run_id: str, preparation: str) -> None:
        self._directory, self._options = directory, options
        self._owner = Owner(run_id, preparation)
        self._saved_at, self._saved_step = time.monotonic(), 0
        self.skipped: list[str] = []

    def due(self, step: int) -> bool:
        """Return whether enough time or steps have gone by since the last one."""
        every = self._options.every_steps
        return (every is not None and step // every > self._saved_step // every) or (
            time.monotonic() - self._saved_at >= self._options.every_seconds
        )

    def begin_at(self, step: int) -> None:
        """Count time from now and steps from `step` until the next one is due."""
        self._saved_at, self._saved_step = time.monotonic(), step

    def save(
        self, step: int, weights: Mapping[str, Any], state: Mapping[str, Any], score: float | None, best: Best | None
    ) -> None:
        """Save the best weights that wait in memory, then the run as it is; old ones go when the new one is safe.

        Raises:
            WriteError: The disk is full or failed; older checkpoints are as they were.
        """
        if best is not None and best.step != step and not self._is_resumable(best.step):
            self._write(best.step, {"model": best.weights}, best.score, resumable=False)
        self._write(step, {"model": weights, "state": state}, score, resumable=True)
        self.begin_at(step)
        self._prune(state["selection"]["best_step"])

    def last(self) -> Checkpoint | None:
        """Return the newest resumable checkpoint that verifies; what was skipped is listed in `skipped`."""
        return next((found for found in self._verified() if found.resumable), None)

    def best(self, step: int | None) -> Checkpoint | None:
        """Return the checkpoint of the best evaluation, if it verifies."""
        try:
            return None if step is None else self._read(path_of(self._directory, step), verify_files=True)
        except IntegrityError:
            return None

    def all(self) -> list[Checkpoint]:
        """Return every checkpoint that verifies, newest first."""
        return list(self._verified())

    def clear_leftovers(self) -> None:
        """Finish or undo what an earlier process left half-done; only its owner may call this."""
        clear_leftovers(self._directory)

    def _write(self, step: int, trees: Mapping[str, Any], score: float | None, *, resumable: bool) -> None:
        write_directory(path_of(self._directory, step), trees, Facts(step, score, resumable).of(self._owner))

    def _is_resumable(self, step: int) -> bool:
        """Return whether these weights are saved already, with the state beside them that a shorter one would lose."""
        found = self.best(step)
        return found is not None and found.resumable

    def _verified(self) -> Iterator[Checkpoint]:
        self.skipped = []
        for path in paths_in(self._directory):
            try:
                yield self._read(path, verify_files=True)
            except IntegrityError as error:
                self.skipped.append(error.message)

    def _read(self, path: Path, *, verify_files: bool) -> Checkpoint:
        facts = facts_of(path, self._owner, verify_files=verify_files)
        return Checkpoint(path, facts.step, facts.score, facts.resumable)

    def _prune(self, best_step: int | None) -> None:
        """Remove what is neither the best nor among the newest resumable ones; what cannot be read stays."""
        resumable = 0
        for path in paths_in(self._directory):
            try:
                checkpoint = self._read(path, verify_files=False)
            except IntegrityError:
                continue
            resumable += checkpoint.resumable
            if checkpoint.step != best_step and (resumable > self._options.keep or not checkpoint.resumable):
                remove_directory(path)


def has_state(directory: Path) -> bool:
    """Return whether there is a checkpoint to go on from, intact or not.

    Weights alone are none, and neither is what a process left half-written when it died.
    """
    return any((path / "state.json").is_file() for path in paths_in(directory))
