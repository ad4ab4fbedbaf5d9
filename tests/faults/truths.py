"""What is true of a run directory at every moment, whoever looks, and whatever happened to the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltk.config.errors import IntegrityError
from dltk.config.sections import CheckpointOptions
from dltk.training.runs.rundir import RunDir
from dltk.training.runs.verifying import verify
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.durable import digest_of
from tests.faults.experiments import Reference

KEEP = CheckpointOptions().keep


@dataclass
class Truths:
    """Looks at a run again and again; each look is checked against the reference and the looks before.

    Attributes:
        seen: Steps of all checkpoints that were found intact.
        looks: How many there were.
    """

    run: Path
    reference: Reference
    seen: set[int] = field(default_factory=set)
    looks: int = 0

    def look(self) -> list[Checkpoint]:
        """Check all that must be true while a process may be writing; return the intact checkpoints, newest first."""
        self.looks += 1
        if not self.run.exists():
            assert not self.seen, "the run is gone"
            return []
        self._check_record()
        intact = checkpoints_of(self.run)
        assert intact or not self.seen, f"no checkpoint is intact; there were {sorted(self.seen)}"
        assert any(found.resumable for found in intact) or not self.seen
        self.seen |= {found.step for found in intact if found.resumable}
        return intact

    def look_at_rest(self) -> list[Checkpoint]:
        """Check in addition what must be true while no process lives."""
        intact = self.look()
        if (self.run / "resolved.yaml").exists():
            damaged = verify(RunDir(self.run)).damaged
            assert not damaged, damaged
        for checkpoint in intact:
            found = hashlib.sha256((checkpoint.path / "model.safetensors").read_bytes()).hexdigest()
            name = f"step-{checkpoint.step:08d}"
            assert found == self.reference.weights[name], f"{name} holds weights that training never had"
        resumable = [checkpoint for checkpoint in intact if checkpoint.resumable]
        assert len(resumable) <= KEEP + 2, (
            f"{len(resumable)} checkpoints stay"
        )  # the newest, the best, one to be removed
        if resumable:
            self._check_best(intact, resumable[0].state())
        return intact

    def look_at_the_end(self, *, may_leave: bool = False) -> None:
        """Check in addition what must be true of a completed run, which may leave nothing beside what it made."""
        intact = self.look_at_rest()
        assert len(intact) <= KEEP + 1
        assert self._rows() == self.reference.rows
        left = [path.name for path in self.run.parent.rglob(".*") if path.name != ".lock"]
        assert may_leave or not left, f"leftovers: {left}"

    def _rows(self) -> list[dict[str, Any]]:
        path = self.run / "metrics.jsonl"
        text = path.read_text() if path.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]

    def _check_record(self) -> None:
        rows = self._rows()
        assert rows == self.reference.rows[: len(rows)], "the record is not that of a run without stops"

    def _check_best(self, intact: list[Checkpoint], state: Mapping[str, Any]) -> None:
        """The checkpoint of the best score before the newest was saved is there; what is no number is never best."""
        score, direction = next(iter(json.loads((self.run / "status.json").read_text())["directions"].items()))
        rows = self.reference.rows[
            : sum(row["step"] <= state["progress"]["evaluated_at"] for row in self.reference.rows)
        ]
        scores = [row[f"val/{score}"] for row in rows if row[f"val/{score}"] is not None]
        best = state["selection"]["best_step"]
        assert (best is None) == (not scores)
        if best is not None:
            assert best in {checkpoint.step for checkpoint in intact}, f"the best checkpoint, step {best}, is gone"
            assert state["selection"]["best_score"] == {"min": min, "max": max}[direction](scores)


def checkpoints_of(run: Path) -> list[Checkpoint]:
    """Return every intact checkpoint of a run, newest first."""
    try:
        identity = json.loads((run / "status.json").read_text())["id"]
        return Checkpoints(run / "checkpoints", CheckpointOptions(), identity, digest_of(run / "preparation")).all()
    except (FileNotFoundError, IntegrityError):
        return []
