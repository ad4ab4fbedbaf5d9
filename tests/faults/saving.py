"""One save of a run, with everything around it, and what must be there whatever became of it; nothing is trained."""

from __future__ import annotations

from pathlib import Path

import torch

from dltk.config.keys import sealed
from dltk.config.sections import CheckpointOptions
from dltk.training.early_stopping import Best
from dltk.training.record import Mark, Metrics
from dltk.training.runs.rundir import RunDir
from dltk.training.runs.verifying import verify
from dltk.training.saving.checkpoint import Checkpoint, Checkpoints
from dltk.training.saving.durable import clear_leftovers, digest_of, write_files

RUN = "run"
BEST = 6


def begun(folder: Path) -> RunDir:
    """Make a run that has saved steps 4 and 8."""
    run = RunDir(folder / RUN)
    run.checkpoints.mkdir(parents=True)
    write_files(run.preparation, {"preparation.json": b"{}"}, {})
    run.write_environment({"threads": 1})
    run.write_configs("train: {steps: 12}\n", sealed("train:\n  steps: 12\n"))
    run.write_status({"id": "this", "name": "a", "state": "running", "step": 0})
    for step in (4, 8):
        save(run, step)
    return run


def save(run: RunDir, step: int) -> None:
    """Record a row, save a checkpoint, weights of the best beside it, and say so, as the loop does."""
    metrics = Metrics(run.metrics)
    metrics.append({"step": step, "val/loss": 1 / step})
    checkpoints = Checkpoints(run.checkpoints, CheckpointOptions(keep=2), "this", digest_of(run.preparation))
    best = Best(BEST, 0.5, weights_of(BEST)) if step > BEST else None
    state = {"selection": {"best_step": None if best is None else BEST}, **metrics.secured().state()}
    checkpoints.save(step, weights_of(step), {**state, "moments": torch.full((3,), float(step))}, None, best)
    run.write_status({**run.status(), "step": step})


def save_again(run: RunDir, step: int) -> None:
    """Go on from the newest checkpoint, as a resumed run does, and save a step."""
    newest = next(found for found in checkpoints_of(run) if found.resumable)
    Metrics(run.metrics).cut(Mark.of(newest.state()))
    save(run, step)


def weights_of(step: int) -> dict[str, torch.Tensor]:
    """Return what the weights are at a step."""
    return {"layer.weight": torch.full((4,), float(step))}


def found_in(run: RunDir) -> int:
    """Recover as the next owner does; check everything, and return the step that the run goes on from."""
    verdict = verify(run)
    assert not verdict.damaged, verdict.damaged
    before = [found.step for found in checkpoints_of(run)]
    clear_leftovers(run.path)
    clear_leftovers(run.checkpoints)
    intact = checkpoints_of(run)
    assert [found.step for found in intact] == before, "recovery lost something"
    assert not list(run.path.rglob(".[!l]*")), "something was left"
    for found in intact:
        assert found.weights()["layer.weight"].equal(weights_of(found.step)["layer.weight"]), "false weights"
    newest = next(found for found in intact if found.resumable)
    steps = [row["step"] for row in Metrics(run.metrics).rows()]
    assert steps == [step for step in (4, 8, 12, 16) if step in steps]
    assert newest.step in steps, "the record has the rows that the checkpoint counts on"
    return newest.step


def checkpoints_of(run: RunDir) -> list[Checkpoint]:
    """Return every intact checkpoint, newest first."""
    return Checkpoints(run.checkpoints, CheckpointOptions(), "this", digest_of(run.preparation)).all()
