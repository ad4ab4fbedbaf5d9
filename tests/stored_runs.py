"""Runs on data that lie on disk: trained beside those in memory, and killed while they train."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dltk import train
from dltk.experiment import RunOptions
from dltk.training.saving.durable import read_facts

Asked = dict[str, Any]


def run(asked: Asked, place: Path) -> Any:
    """Train, and return the run."""
    return train(asked, (), RunOptions(output_dir=place, quiet=True))


def weights(path: Path) -> bytes:
    """Return the weights of a run's last checkpoint."""
    return (sorted((path / "checkpoints").iterdir())[-1] / "model.safetensors").read_bytes()


def assert_same(asked: Asked, folder: Path) -> Any:
    """Run in memory and on disk, compare all that is left, and return the run on disk."""
    in_memory, on_disk = (
        run({**asked, "data": {**asked["data"], "storage": where}}, folder / where) for where in ("memory", "disk")
    )
    assert weights(in_memory.path) == weights(on_disk.path)
    assert in_memory.scores == on_disk.scores
    both = [found.directory for found in (in_memory, on_disk)]
    samples = [read_facts(directory.preparation)["samples"] for directory in both]
    assert samples[0] == samples[1]
    assert "B on disk" in on_disk.directory.log.read_text()
    told = [[line for line in directory.log.read_text().splitlines() if "data: " in line] for directory in both]
    assert told[0][1:] == told[1][1:]
    return on_disk


def assert_goes_on_when_killed(asked: Asked, folder: Path) -> None:
    """Kill a training, go on with it, and compare it with one that nobody killed.

    The checkpoints of the run that is killed come while it trains, so that some of it is always left.
    """
    asked["train"]["steps"] = 1500
    asked["checkpoint"] = {"every_steps": 100}
    whole = run(asked, folder / "whole")
    (folder / "c.yaml").write_text(json.dumps(asked))
    command = [sys.executable, "-m", "dltk", "train", "c.yaml", "--output-dir", "killed", "--quiet"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(folder.glob("killed/checkpoints/step-*")) and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = train(None, (), RunOptions(resume=str(folder / "killed"), quiet=True))
    assert weights(resumed.path) == weights(whole.path)
    assert resumed.scores == whole.scores
